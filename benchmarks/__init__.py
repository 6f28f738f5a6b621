"""Benchmarks: what the product does, each beside a floor or a peer measured in the same run."""
