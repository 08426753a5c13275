"""Read-only, polite access to the Eyewire HTTP API and its storage bucket.

`client` sends requests, `limiter` keeps their pace, `replies` parses the answers.
"""
