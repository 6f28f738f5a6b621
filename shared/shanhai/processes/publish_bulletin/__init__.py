"""Publish bulletin."""
