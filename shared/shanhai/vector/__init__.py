"""Files of features: written from a stream of rows, read from whatever people send."""
