"""Keep open pages up to date by server-sent events: one look at the store at a time serves all of them."""
