"""Move a single-user installation of an application in: survey, move, verify, undo."""
