"""Indicators of a plan: what it aims at, what was observed, how the two stand to each other."""
