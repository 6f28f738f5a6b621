"""What plans aim at, what was observed, and how the two stand to each other."""
