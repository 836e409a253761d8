"""Image and mask transforms with PaddleX's names and defaults."""

from core.transforms.arrange import ArrangeSegmenter, to_chw
from core.transforms.base import (
    Compose,
    Decode,
    Sample,
    Transform,
    register,
    transforms_from_list,
)
from core.transforms.color import Normalize, RandomBlur, RandomDistort
from core.transforms.cropping import CenterCrop, RandomClassCrop, RandomCrop, RandomScaleAspect
from core.transforms.flipping import RandomHorizontalFlip, RandomVerticalFlip
from core.transforms.inversion import SpatialStep, invert_label_map, invert_scores
from core.transforms.padding import Padding, RandomExpand
from core.transforms.resizing import (
    RandomResize,
    RandomResizeByShort,
    Resize,
    ResizeByLong,
    ResizeByShort,
)
from core.transforms.zooming import RandomZoomCrop, Rescale

__all__ = [
    "ArrangeSegmenter",
    "CenterCrop",
    "Compose",
    "Decode",
    "Normalize",
    "Padding",
    "RandomBlur",
    "RandomClassCrop",
    "RandomCrop",
    "RandomDistort",
    "RandomExpand",
    "RandomHorizontalFlip",
    "RandomResize",
    "RandomResizeByShort",
    "RandomScaleAspect",
    "RandomVerticalFlip",
    "RandomZoomCrop",
    "Rescale",
    "Resize",
    "ResizeByLong",
    "ResizeByShort",
    "Sample",
    "SpatialStep",
    "Transform",
    "invert_label_map",
    "invert_scores",
    "register",
    "to_chw",
    "transforms_from_list",
]
