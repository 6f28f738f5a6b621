"""Objects below one another, as nested lists."""
