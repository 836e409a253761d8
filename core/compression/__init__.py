"""Make trained networks smaller and quicker: channel pruning and quantisation."""
