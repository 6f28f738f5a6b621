"""Results for readers: maps as pictures, and a report as one self-contained page."""
