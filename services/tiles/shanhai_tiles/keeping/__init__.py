"""Tiles that were drawn once: in memory, then where all processes see them."""
