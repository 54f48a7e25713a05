"""Where and how an attempt is performed: threads of this program, isolated Python processes, commands."""
