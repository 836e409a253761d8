"""What the Labelling panel shows: widgets that only show and ask."""
