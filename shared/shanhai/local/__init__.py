"""The private stack on one machine: its own PostgreSQL, Redis and the services of this checkout."""
