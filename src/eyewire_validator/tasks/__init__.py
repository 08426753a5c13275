"""The task index, its split, and how tasks descend from each other."""
