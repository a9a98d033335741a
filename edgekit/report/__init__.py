"""The only place that formats: a proof in the terminal, and as one self-contained page."""
