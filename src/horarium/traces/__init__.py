"""Runs as traces of OpenTelemetry: what is recorded of them, told to a collector."""
