"""Early warning on the database: rules, their evaluation, and what people do with alerts."""
