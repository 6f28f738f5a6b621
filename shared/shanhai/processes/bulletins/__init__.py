"""The two halves of a bulletin: its documents, and its row."""
