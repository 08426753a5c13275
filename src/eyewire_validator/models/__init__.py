"""The network, its loss, its settings and its checkpoints."""
