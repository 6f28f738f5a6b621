"""Ecological networks: sources, resistance, corridors and what hinders them."""
