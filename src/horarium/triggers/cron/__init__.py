"""Cron expressions: fields, parsing, searching, the zones' clocks, and words."""
