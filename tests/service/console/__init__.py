"""What is shared by these tests ends with them: see `stack`."""
