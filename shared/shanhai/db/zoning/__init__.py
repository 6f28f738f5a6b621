"""What is done with versions of a zoning: measured, compared, adjusted by hand, begun anew."""
