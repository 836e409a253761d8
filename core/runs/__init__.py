"""What a job is asked, what it tells, and the folder that holds both."""
