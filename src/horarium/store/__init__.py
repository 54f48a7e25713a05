"""The only room that speaks SQL: one schema, two databases, rows turned into records and back."""
