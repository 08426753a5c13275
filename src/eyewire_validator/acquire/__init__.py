"""Acquire data: the cell registry, tasks from the API, volumes from the bucket."""
