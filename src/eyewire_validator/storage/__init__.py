"""Files, arrays and tables: reading and writing them."""
