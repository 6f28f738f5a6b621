"""Evaluate ecosystem."""
