"""Who did what, when, from where: written with the change itself, chained so that nobody can quietly take a row out."""
