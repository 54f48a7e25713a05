"""Move in from elsewhere: read what other schedulers keep and make tasks of it."""
