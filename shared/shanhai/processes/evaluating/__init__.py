"""The parts of the evaluation of a region, and what the account of its ecosystem product shares."""
