"""Baselines and references: answers without a trained network."""
