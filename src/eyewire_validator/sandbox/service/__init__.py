"""The Eyewire-compatible service over a sandbox folder, and its faults on purpose."""
