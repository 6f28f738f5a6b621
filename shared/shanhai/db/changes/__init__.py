"""What changed: every write in order, and one object on two days."""
