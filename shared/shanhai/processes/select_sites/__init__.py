"""Select sites."""
