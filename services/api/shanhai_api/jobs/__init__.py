"""Jobs, their progress and results."""
