"""Observations in memory: how they are read, converted and checked; no database, no network."""
