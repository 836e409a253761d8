"""What the window has for all panels: background work, jobs, settings."""
