"""The classes of Cityscapes (cityscapesScripts, ``helpers/labels.py``)."""

from __future__ import annotations

from dataclasses import dataclass

from core.images.io import IGNORE_INDEX
from core.images.palette import Color


@dataclass(frozen=True, slots=True)
class CityLabel:
    """A class; its id is its place in ``LABELS``, ``train_id`` 255 where it is not trained on."""

    name: str
    train_id: int
    color: Color


_VOID = IGNORE_INDEX
LABELS = (
    CityLabel("unlabeled", _VOID, (0, 0, 0)),
    CityLabel("ego vehicle", _VOID, (0, 0, 0)),
    CityLabel("rectification border", _VOID, (0, 0, 0)),
    CityLabel("out of roi", _VOID, (0, 0, 0)),
    CityLabel("static", _VOID, (0, 0, 0)),
    CityLabel("dynamic", _VOID, (111, 74, 0)),
    CityLabel("ground", _VOID, (81, 0, 81)),
    CityLabel("road", 0, (128, 64, 128)),
    CityLabel("sidewalk", 1, (244, 35, 232)),
    CityLabel("parking", _VOID, (250, 170, 160)),
    CityLabel("rail track", _VOID, (230, 150, 140)),
    CityLabel("building", 2, (70, 70, 70)),
    CityLabel("wall", 3, (102, 102, 156)),
    CityLabel("fence", 4, (190, 153, 153)),
    CityLabel("guard rail", _VOID, (180, 165, 180)),
    CityLabel("bridge", _VOID, (150, 100, 100)),
    CityLabel("tunnel", _VOID, (150, 120, 90)),
    CityLabel("pole", 5, (153, 153, 153)),
    CityLabel("polegroup", _VOID, (153, 153, 153)),
    CityLabel("traffic light", 6, (250, 170, 30)),
    CityLabel("traffic sign", 7, (220, 220, 0)),
    CityLabel("vegetation", 8, (107, 142, 35)),
    CityLabel("terrain", 9, (152, 251, 152)),
    CityLabel("sky", 10, (70, 130, 180)),
    CityLabel("person", 11, (220, 20, 60)),
    CityLabel("rider", 12, (255, 0, 0)),
    CityLabel("car", 13, (0, 0, 142)),
    CityLabel("truck", 14, (0, 0, 70)),
    CityLabel("bus", 15, (0, 60, 100)),
    CityLabel("caravan", _VOID, (0, 0, 90)),
    CityLabel("trailer", _VOID, (0, 0, 110)),
    CityLabel("train", 16, (0, 80, 100)),
    CityLabel("motorcycle", 17, (0, 0, 230)),
    CityLabel("bicycle", 18, (119, 11, 32)),
)

IDS = {label.name: index for index, label in enumerate(LABELS)} | {"license plate": -1}
TRAINED = tuple(label for label in LABELS if label.train_id != IGNORE_INDEX)
