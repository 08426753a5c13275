"""Tracing in a sandbox: tasks spawn tasks, simulated players answer them."""
