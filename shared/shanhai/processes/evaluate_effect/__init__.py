"""Evaluate effect."""
