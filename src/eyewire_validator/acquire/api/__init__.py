"""Read-only, polite access to the Eyewire HTTP API and its storage bucket.

`client` talks, `limiter` keeps its pace, `replies` understands what was said.
"""
