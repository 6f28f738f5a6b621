"""Whole selections as files."""
