"""Train: choose settings, watch the training."""
