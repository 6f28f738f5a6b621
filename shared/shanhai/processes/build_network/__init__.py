"""Build network."""
