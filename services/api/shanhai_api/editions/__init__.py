"""Editions of a plan over HTTP."""
