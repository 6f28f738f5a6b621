"""Assess ecoservices."""
