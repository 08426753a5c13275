"""Tracing in a sandbox: tasks that spawn tasks, and players who answer them."""
