"""The files of registered rasters."""
