"""Shanhai's worker service."""
