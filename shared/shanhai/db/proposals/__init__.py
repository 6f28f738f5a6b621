"""Proposals to revise what is planned: writing them, deciding on them, carrying them out."""
