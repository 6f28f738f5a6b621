"""PostgreSQL and PostGIS: tables, queries, and the declaration of each entity."""
