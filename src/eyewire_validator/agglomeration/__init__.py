"""Answering in segments: are two that touch one, and what does the seed reach by that?

A volume becomes a graph of its segments and their contacts (contacts.py), described by
filtered images (filters.py). A classifier (contact_classifier.py) says for each
contact how probably both sides are of one cell; linkage.py joins segments to the seed,
the surest first.
"""
