"""How far a zoning can be trusted: draws, repeated clustering, resampling, single changes."""
