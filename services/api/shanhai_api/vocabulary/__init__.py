"""Closed lists: zone classes and ecosystem services."""
