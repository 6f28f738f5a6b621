"""What can be done with versions of a zoning beyond reading and writing their features."""
