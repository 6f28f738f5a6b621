"""Check compliance."""
