"""Serve people: the pages, their look and the answers to their clicks."""
