"""The parts of a scenario: edits on the land, the network before and after, what differs."""
