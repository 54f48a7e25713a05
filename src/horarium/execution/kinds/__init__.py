"""One module for each kind of task: how an attempt of it is performed."""
