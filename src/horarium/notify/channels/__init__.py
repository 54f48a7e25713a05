"""Where messages go besides letters: one module a kind of channel."""
