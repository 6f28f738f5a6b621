"""Ecosystem services: what each reads, and the methods by which it is assessed."""
