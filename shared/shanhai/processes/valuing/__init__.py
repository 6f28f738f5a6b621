"""The parts of an account of gross ecosystem product."""
