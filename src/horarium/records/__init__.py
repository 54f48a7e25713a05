"""The nouns: frozen records by subject, imported by every room, importing only states and errors."""
