"""Evaluations of a district plan: importance, sensitivity, quality, degradation, resilience."""
