"""CQL2 filters: from text or JSON to a condition over an entity's rows, its values bound."""
