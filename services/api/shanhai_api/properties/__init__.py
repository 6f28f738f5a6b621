"""What can be observed."""
