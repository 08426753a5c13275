"""The bucket of a sandbox: volumes and the tables of their segments."""
