"""The parts of an ecological network: sources, resistance, corridors, currents, what is told."""
