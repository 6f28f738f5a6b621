"""The audit log, readable."""
