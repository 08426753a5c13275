"""Evaluate answers: count, decide, calibrate, summarize and compare."""
