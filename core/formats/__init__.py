"""Files of other tools, one module a format."""
