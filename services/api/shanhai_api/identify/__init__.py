"""What lies at a point."""
