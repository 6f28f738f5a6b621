"""Import plan."""
