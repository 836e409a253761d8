"""A network of Paddle's written as an ONNX graph, operator by operator."""
