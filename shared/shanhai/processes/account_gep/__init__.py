"""Account gep."""
