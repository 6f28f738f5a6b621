"""Delineate zones."""
