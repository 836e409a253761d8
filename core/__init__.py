"""Engine, project and command line; ``import core as pdx`` gives PaddleX's names."""
