"""Objects below one another: regions, plans, the components of patterns."""
