"""Loops over the verbs: what a user does in one go. Each module is one story."""
