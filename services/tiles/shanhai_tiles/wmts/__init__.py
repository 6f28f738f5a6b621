"""OGC Web Map Tile Service 1.0.0 over the same tiles: key-value pairs and resource addresses."""
