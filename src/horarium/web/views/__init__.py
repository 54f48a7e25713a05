"""Say what each page shows: frozen records of plain data, filled by the routes and read by the templates.

Instants are aware datetimes and lengths are seconds; the templates put them into the viewer's words and zone. A part
that is None could not be loaded, and its card says so while the rest of the page stays.
"""
