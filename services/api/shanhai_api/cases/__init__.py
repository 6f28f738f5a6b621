"""`/cases`: red-line leads and what becomes of them."""
