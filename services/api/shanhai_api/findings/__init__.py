"""What the checks found in the figures of a plan."""
