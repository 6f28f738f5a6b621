"""Run scenario."""
