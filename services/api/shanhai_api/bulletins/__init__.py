"""`/bulletins` and `/bulletin-templates`."""
