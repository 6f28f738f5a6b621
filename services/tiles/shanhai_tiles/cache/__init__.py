"""The tile cache."""
