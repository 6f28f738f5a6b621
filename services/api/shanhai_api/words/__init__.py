"""Words of pages and documents, in two languages."""
