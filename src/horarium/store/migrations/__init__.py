"""From one release's schema to the next, and back: a numbered script each, run inside our own transaction."""
