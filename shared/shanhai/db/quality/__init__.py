"""Do the figures of a plan add up? What does not is told as findings; nothing is refused."""
