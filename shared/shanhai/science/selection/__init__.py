"""Which sites to restore: under a budget, for a target, and in which order."""
