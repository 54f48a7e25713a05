"""The REST API: the same things as on the pages, for programs that come with a token."""
