"""The two sides of the finishing benchmark, on the published detector.

Ours takes a finished file apart (strip), attaches post-processing anew, and writes metadata and labels. The other
side only reads the file into the object API of LiteRT's generated schema and writes it back.
"""
