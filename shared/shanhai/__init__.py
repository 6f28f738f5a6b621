"""Shanhai 山海: the core shared by the API, the worker and the tile service."""

__version__ = "0.1.0"
