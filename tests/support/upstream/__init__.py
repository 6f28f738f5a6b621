"""All upstreams of open data on this machine: their files, catalogues, services and faults."""
