"""Review: what people decide, where they see it, and how it comes back."""
