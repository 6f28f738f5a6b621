"""Observations: received, and asked for."""
