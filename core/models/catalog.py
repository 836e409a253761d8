"""The networks there are, without the engine."""

from __future__ import annotations

from typing import Literal

ModelName = Literal["FastSCNN", "BiSeNetV2", "UNet", "HRNet", "DeepLabV3P"]
