"""Logs, manifests and code hashes of jobs."""
