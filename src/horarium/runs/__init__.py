"""What happened: the ledger of occurrences, the life of a run, its output and its history."""
