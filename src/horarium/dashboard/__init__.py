"""Serve everything from one process; `python -m horarium.dashboard` starts it."""
