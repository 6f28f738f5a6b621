"""The outbox: what is told to others, and to whom."""
