"""Files, arrays and tables: how bytes and rows come from and go to a disk."""
