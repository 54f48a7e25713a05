"""Secrets that tasks use: sealed when they are saved, opened for runs alone, never shown again."""
