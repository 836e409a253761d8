"""What a model is on disk and in lists: catalog, model folder, published weights."""
