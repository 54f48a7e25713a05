"""What leaves as text: harmless lines for terminals, and the server's own log."""
