"""The step Ship: from a model to files that run on the line, and the proof that they do."""
