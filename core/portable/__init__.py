"""What a machine on the line does: run an exported model, measure what it finds, and decide.

A bundle holds a copy of this package: it needs the standard library, numpy and OpenCV, and one of
ONNX Runtime and OpenVINO. It therefore imports nothing from the rest of ``core``, and its own
modules by relative imports only.
"""

from .telemetry import switch_telemetry_off

# Here, because everything that runs a model passes here before it loads what computes it.
switch_telemetry_off()
