"""The columns of every table, a module for each stage of the workflow."""
