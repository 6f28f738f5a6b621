"""The collections: one declaration per entity, read by the engine in `shanhai.db.features`."""
