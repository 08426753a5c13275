"""Synthetic tissue: grown, rendered as electron microscopes do, and segmented."""
