"""Collections of features: one declaration per entity, read by the API, its HTML and the tiles."""
