"""Shanhai's api service."""
