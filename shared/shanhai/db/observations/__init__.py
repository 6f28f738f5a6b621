"""Observations in the database: stored on one path, kept by month, summed up by time."""
