"""Seeding and packing tiles: asked for over HTTP, kept in parts, written as one file."""
