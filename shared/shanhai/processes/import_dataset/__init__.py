"""Import dataset."""
