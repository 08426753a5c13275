"""Volumes: their geometry, raw and downsampled forms, and graphs of segments."""
