"""Rasters on disk: opened safely, aligned to a grid, worked window by window, written as COGs."""
