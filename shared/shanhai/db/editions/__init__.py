"""Editions of a plan: what they hold, how one is begun from another, and how it takes its place."""
