"""Linux: the interpreter beside the packages, the archive, the Debian package."""
