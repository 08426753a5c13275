"""Tasks: their index, split, lineage and context."""
