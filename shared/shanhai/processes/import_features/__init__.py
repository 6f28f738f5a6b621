"""Import features."""
