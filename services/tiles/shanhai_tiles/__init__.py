"""Shanhai's tiles service."""
