"""Compose map sheet."""
