"""Processes and their execution."""
