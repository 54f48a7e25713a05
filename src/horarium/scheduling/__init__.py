"""Decides when: the tick, the decisions about missed and overlapping occurrences, tasks and their condition."""
