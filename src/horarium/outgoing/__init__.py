"""Going out to other machines for somebody: to which addresses, for how long, and with what on the line."""
