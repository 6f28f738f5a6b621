"""Resistance surfaces as electric circuits: effective resistance, currents and their solvers."""
