"""Making a trained network smaller and faster."""
