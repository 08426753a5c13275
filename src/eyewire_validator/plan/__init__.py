"""The plan: what the workflow makes of a configuration. It knows no files."""
