"""What each kind of job does, in a worker process."""
