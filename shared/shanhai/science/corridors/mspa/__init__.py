"""Morphological spatial pattern analysis: what part each cell of a habitat plays in its shape."""
