"""Growth: trace whole cells from cube to cube, and stop where it is not sure."""
