"""Cutting an object out with clicks, by a network that the user brings as ONNX.

Two interfaces are understood; sizes in brackets are those of the usual files.

*SAM family*, two files as segment-anything and its descendants are exported. The encoder takes one
image: float32 or uint8 (H, W, 3) RGB 0 … 255, or float32 (1, 3, S, S) normalised with ImageNet's
mean and deviation and padded on the right and below [S = 1024]; its first output, or the one called
``image_embeddings``, goes into the decoder. The decoder takes ``image_embeddings``,
``point_coords`` (1, N, 2) x, y, ``point_labels`` (1, N) 1 object, 0 background, -1 padding,
``mask_input`` (1, 1, 256, 256), ``has_mask_input`` (1,) and ``orig_im_size`` (2,) height, width,
all float32, and returns ``masks`` (1, M, H, W), above 0 inside, ``iou_predictions`` (1, M) and
``low_res_masks`` (1, M, 256, 256).

*RITM*, one file: ``image`` float32 (1, 3, H, W) RGB 0 … 1, or (1, 4, H, W) with the probability
found before as the fourth plane, and ``points`` float32 (1, 2N, 3): row, column, number of the
click, or (1, 2N, 2): row, column; first N clicks on the object, then N on the background, rows of
-1 where there are fewer. The first output is (1, 1, H, W), above 0 inside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.edits import Pixels
from core.images.io import ImageArray
from core.system.errors import InputError
from core.system.onnx_session import open_session

Floats = npt.NDArray[np.float32]

_SAM_SIDE = 1024
_SAM_MASK_SIDE = 256
_SAM_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_SAM_DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
_DECODER_INPUTS = (
    "image_embeddings",
    "point_coords",
    "point_labels",
    "mask_input",
    "has_mask_input",
    "orig_im_size",
)
_RITM_LARGEST = 1024
_RITM_STEP = 32
_LOGIT_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Click:
    """A click at (x, y) in image pixels, on the object or (not ``positive``) beside it."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True)
class ClickModelFiles:
    """The user's files: ``model`` alone is RITM's or SAM's encoder, which needs ``decoder``."""

    model: Path
    decoder: Path | None = None

    def to_dict(self) -> dict[str, str]:
        """Return plain values for the settings."""
        values = {"model": str(self.model)}
        return values if self.decoder is None else values | {"decoder": str(self.decoder)}

    @classmethod
    def from_dict(cls, values: object) -> ClickModelFiles | None:
        """Return what ``to_dict`` gave; None for anything else."""
        if not isinstance(values, Mapping) or not isinstance(values.get("model"), str):
            return None
        decoder = values.get("decoder")
        return cls(Path(values["model"]), Path(decoder) if isinstance(decoder, str) else None)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What a model keeps of an image between clicks.

    ``size`` is the image's (width, height); ``features`` is the model's own.
    """

    size: tuple[int, int]
    features: Any


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """The object: ``pixels`` (H, W) bool, and ``memory`` that helps with the next click."""

    pixels: Pixels
    memory: Floats


class ClickModel(ABC):
    """A network that turns clicks into an object; may be used by one thread at a time."""

    @abstractmethod
    def encode(self, image: ImageArray) -> Encoded:
        """Do what depends on the image alone.

        Args:
            image: uint8 (H, W, 3) BGR or (H, W) grey.
        """

    @abstractmethod
    def segment(
        self, encoded: Encoded, clicks: Sequence[Click], before: Segmented | None = None
    ) -> Segmented:
        """Find the object.

        Args:
            encoded: the image.
            clicks: all clicks so far, at least one.
            before: what the same clicks without the last one gave.
        """


def open_click_model(files: ClickModelFiles, *, threads: int = 0) -> ClickModel:
    """Load a click model; ``threads`` 0 uses every core.

    Raises:
        InputError: a file is missing, no ONNX model, or lacks an input; the sentence names it.
    """
    if files.decoder is None:
        return RitmModel(files.model, threads=threads)
    return SamModel(files.model, files.decoder, threads=threads)


class SamModel(ClickModel):
    """Encoder and decoder of the SAM family."""

    def __init__(self, encoder: Path, decoder: Path, *, threads: int = 0) -> None:
        self._encoder = open_session(encoder, threads=threads)
        self._decoder = open_session(decoder, threads=threads)
        inputs = self._encoder.get_inputs()
        if len(inputs) != 1:
            raise InputError(
                "The encoder {file} must have one input, the image; it has {count}.",
                file=encoder,
                count=len(inputs),
            )
        self._input = inputs[0]
        shape = self._input.shape
        self._planar = len(shape) == 4 and shape[1] == 3
        if not self._planar and not (len(shape) == 3 and (shape[2] == 3 or _is_free(shape[2]))):
            raise InputError(
                "The encoder {file} must take an image of the shape (1, 3, S, S) or (H, W, 3), "
                "not {shape}.",
                file=encoder,
                shape=_shape_text(shape),
            )
        _need(decoder, self._decoder, _DECODER_INPUTS)
        self._needs_all(decoder)
        side = shape[2] if self._planar else None
        self._side = side if isinstance(side, int) else _SAM_SIDE
        names = [one.name for one in self._encoder.get_outputs()]
        self._feature = "image_embeddings" if "image_embeddings" in names else names[0]
        mask_shape = next(i.shape for i in self._decoder.get_inputs() if i.name == "mask_input")
        last = mask_shape[-1] if mask_shape else None
        self._mask_side = last if isinstance(last, int) else _SAM_MASK_SIDE

    def _needs_all(self, decoder: Path) -> None:
        """Refuse a decoder with inputs that nobody fills, and one without masks."""
        unknown = [i.name for i in self._decoder.get_inputs() if i.name not in _DECODER_INPUTS]
        if unknown:
            raise InputError(
                "The decoder {file} has inputs that are not known here: {names}.",
                file=decoder,
                names=", ".join(unknown),
            )
        outputs = {one.name for one in self._decoder.get_outputs()}
        missing = [n for n in ("masks", "iou_predictions", "low_res_masks") if n not in outputs]
        if missing:
            raise InputError(
                "The decoder {file} lacks the outputs {names}.",
                file=decoder,
                names=", ".join(missing),
            )

    def encode(self, image: ImageArray) -> Encoded:
        """Compute the embedding, which takes by far the longest."""
        rgb = _rgb(image)
        height, width = rgb.shape[:2]
        scale = self._side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        resized = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
        if self._planar:
            plane = np.zeros((1, 3, self._side, self._side), np.float32)
            normal = (resized.astype(np.float32) - _SAM_MEAN) / _SAM_DEVIATION
            plane[0, :, : size[1], : size[0]] = normal.transpose(2, 0, 1)
            fed: npt.NDArray[Any] = plane
        else:
            kind = np.uint8 if self._input.type == "tensor(uint8)" else np.float32
            fed = resized.astype(kind)
        features = self._encoder.run([self._feature], {self._input.name: fed})[0]
        return Encoded((width, height), features)

    def segment(
        self, encoded: Encoded, clicks: Sequence[Click], before: Segmented | None = None
    ) -> Segmented:
        """Decode; of several masks the one that the model thinks best of is taken."""
        width, height = encoded.size
        scale = self._side / max(width, height)
        # The padding point stands for the box that is not given.
        points = [(click.x * scale, click.y * scale) for click in clicks] + [(0.0, 0.0)]
        labels = [float(click.positive) for click in clicks] + [-1.0]
        side = self._mask_side
        memory = np.zeros((1, 1, side, side), np.float32) if before is None else before.memory
        masks, scores, low = self._decoder.run(
            ["masks", "iou_predictions", "low_res_masks"],
            {
                "image_embeddings": encoded.features,
                "point_coords": np.array([points], np.float32),
                "point_labels": np.array([labels], np.float32),
                "mask_input": memory,
                "has_mask_input": np.array([before is not None], np.float32),
                "orig_im_size": np.array([height, width], np.float32),
            },
        )
        best = int(np.argmax(scores[0]))
        return Segmented(
            _fit(masks[0, best], encoded.size) > 0,
            np.asarray(low[:, best : best + 1], np.float32),
        )


class RitmModel(ClickModel):
    """One network for image and clicks together."""

    def __init__(self, file: Path, *, threads: int = 0) -> None:
        self._file = file
        self._session = open_session(file, threads=threads)
        _need(file, self._session, ("image", "points"))
        shapes = {one.name: one.shape for one in self._session.get_inputs()}
        image, points = shapes["image"], shapes["points"]
        if len(image) != 4 or image[1] not in (3, 4):
            raise InputError(
                "The input image of {file} must have the shape (1, 3, H, W) or (1, 4, H, W), not "
                "{shape}.",
                file=file,
                shape=_shape_text(image),
            )
        if len(points) != 3 or points[2] not in (2, 3):
            raise InputError(
                "The input points of {file} must have the shape (1, 2N, 3) or (1, 2N, 2), not "
                "{shape}.",
                file=file,
                shape=_shape_text(points),
            )
        self._with_memory = image[1] == 4
        self._numbered = points[2] == 3
        self._places = points[1] // 2 if isinstance(points[1], int) else None
        fixed = isinstance(image[2], int) and isinstance(image[3], int)
        self._size = (image[3], image[2]) if fixed else None

    def encode(self, image: ImageArray) -> Encoded:
        """Bring the image to the size that the network computes on."""
        rgb = _rgb(image)
        height, width = rgb.shape[:2]
        size = self._size
        if size is None:
            scale = min(1.0, _RITM_LARGEST / max(width, height))
            size = (_stepped(width * scale), _stepped(height * scale))
        resized = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
        planes = np.ascontiguousarray(resized.transpose(2, 0, 1)[None] / 255, np.float32)
        return Encoded((width, height), planes)

    def segment(
        self, encoded: Encoded, clicks: Sequence[Click], before: Segmented | None = None
    ) -> Segmented:
        """Run the network."""
        planes: Floats = encoded.features
        height, width = planes.shape[2:]
        if self._with_memory:
            memory = np.zeros((1, 1, height, width), np.float32)
            if before is not None:
                memory = before.memory
            planes = np.concatenate([planes, memory], axis=1)
        scale = (width / encoded.size[0], height / encoded.size[1])
        logits = self._session.run(None, {"image": planes, "points": self._points(clicks, scale)})[
            0
        ]
        logits = np.asarray(logits, np.float32).reshape(logits.shape[-2:])
        limited = logits.clip(-_LOGIT_LIMIT, _LOGIT_LIMIT)
        probability = np.asarray(1 / (1 + np.exp(-limited)), np.float32)
        return Segmented(
            _fit(logits, encoded.size) > 0, _fit(probability, (width, height))[None, None]
        )

    def _points(self, clicks: Sequence[Click], scale: tuple[float, float]) -> Floats:
        kinds = [[(n, c) for n, c in enumerate(clicks) if c.positive is k] for k in (True, False)]
        places = self._places or max(len(kind) for kind in kinds)
        if max(len(kind) for kind in kinds) > places:
            raise InputError(
                "{file} takes {count} {count:click|clicks} of one kind at most: accept the "
                "object, or drop it and begin again.",
                file=self._file,
                count=places,
            )
        points = np.full((1, 2 * places, 3), -1, np.float32)
        for half, kind in enumerate(kinds):
            for place, (number, click) in enumerate(kind):
                where = (click.y * scale[1], click.x * scale[0], number)
                points[0, half * places + place] = where
        return points if self._numbered else np.ascontiguousarray(points[:, :, :2])


def _need(file: Path, session: Any, names: Sequence[str]) -> None:
    present = {one.name for one in session.get_inputs()}
    missing = [name for name in names if name not in present]
    if missing:
        raise InputError(
            "{file} lacks the inputs {names}: it has {present}.",
            file=file,
            names=", ".join(missing),
            present=", ".join(sorted(present)),
        )


def _is_free(length: object) -> bool:
    return not isinstance(length, int)


def _shape_text(shape: Sequence[Any]) -> str:
    return f"({', '.join(str(part) for part in shape)})"


def _rgb(image: ImageArray) -> ImageArray:
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def _stepped(length: float) -> int:
    return max(_RITM_STEP, round(length / _RITM_STEP) * _RITM_STEP)


def _fit(values: npt.NDArray[Any], size: tuple[int, int]) -> Floats:
    """Bring (h, w) to ``size`` (width, height), bilinear."""
    plane = np.asarray(values, np.float32)
    if plane.shape != (size[1], size[0]):
        plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return plane
