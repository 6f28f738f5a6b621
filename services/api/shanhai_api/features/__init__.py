"""Collections of features, one engine for all of them."""
