"""What every job does: log, list its files with their hashes, hash its code."""
