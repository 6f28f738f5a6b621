"""What tiles of features need kept beside the features: the log of changes, simpler shapes."""
