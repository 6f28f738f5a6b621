"""Raster."""
