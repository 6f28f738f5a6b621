"""Bulletins: what they tell, the language of their templates, and their documents."""
