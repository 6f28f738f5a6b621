"""Real input: the demonstration stack from package registries, and layers of open sources."""
