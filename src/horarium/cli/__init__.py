"""The command line: a file a noun, each command a few lines that ask a room and print its answer."""
