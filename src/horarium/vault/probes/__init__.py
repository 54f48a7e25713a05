"""Try what a credential of each kind is for: one real request, bounded, and no word of a secret in the answer."""
