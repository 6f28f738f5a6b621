"""Seed data: what is known of a city, its files, their rows, and the writing."""
