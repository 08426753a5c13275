"""The Eyewire-compatible service of a sandbox folder, with faults on request."""
