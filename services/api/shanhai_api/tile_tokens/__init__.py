"""Tokens for map clients that can send no headers."""
