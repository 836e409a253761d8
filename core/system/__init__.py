"""The machine beneath: files, devices, downloads, errors and messages."""
