"""The private stack on one machine: its own servers and the services of this checkout."""
