"""The structure of the source tree in figures, each with its bar: `make measure`."""
