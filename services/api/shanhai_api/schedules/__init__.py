"""Jobs that recur."""
