"""Changes of the plan's objects: all in order, and one object on two days."""
