"""Evaluate indicators."""
