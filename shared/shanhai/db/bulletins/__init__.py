"""Bulletins on the database: what they tell, their templates, drafts and publication."""
