"""The pages, a file each: read what is asked for, fill the view, let the template draw it."""
