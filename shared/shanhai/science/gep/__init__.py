"""Gross ecosystem product: a catalogue of items and their accounting."""
