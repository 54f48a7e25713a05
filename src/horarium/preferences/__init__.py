"""Settings: which ones there are, what each person chose, and what holds for the installation."""
