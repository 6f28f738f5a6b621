"""People who are told of alerts by e-mail."""
