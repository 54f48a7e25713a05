"""One class a subject: the only places where rows become records and records become rows."""
