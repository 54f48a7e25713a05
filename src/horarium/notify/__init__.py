"""Tell people: letters from the outbox, drawn and handed to a mail server."""
