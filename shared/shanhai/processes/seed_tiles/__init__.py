"""Seed tiles."""
