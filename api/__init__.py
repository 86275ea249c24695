"""Serves them: the command line, the HTTP service and the page."""
