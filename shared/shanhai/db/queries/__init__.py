"""Queries, one module per noun; each takes the session first."""
