"""The demo: from nothing to a plan of Xiamen."""
