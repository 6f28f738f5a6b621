"""The steps of a selection of restoration sites."""
