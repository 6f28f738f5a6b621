"""The artifact store: result files and uploads."""
