"""Landing page, conformance and API definition."""
