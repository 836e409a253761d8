"""Networks: paddle.nn.Layer only."""
