"""The images that an export is tried on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.class_names import compare_class_names
from core.datasets import Subset, open_data_folder
from core.deploy.verification.probe_images import probe_images
from core.images.io import read_image, read_mask
from core.system.errors import InputError
from core.system.files import sha256_file
from core.system.reporting import Reporter
from core.transforms.base import size_mismatch


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One image, with its mask where there is one.

    Attributes:
        name: of the image.
        image: its file, or (H, W, 3) uint8 BGR.
        mask: its file, None without one.
    """

    name: str
    image: Path | npt.NDArray[np.uint8]
    mask: Path | None = None

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Return the image as networks see it, (H, W, 3) uint8 BGR.

        Raises:
            InputError: it cannot be read.
        """
        return read_image(self.image) if isinstance(self.image, Path) else self.image

    def label(self) -> npt.NDArray[np.uint8] | None:
        """Return the mask (H, W) uint8, None without one.

        Raises:
            InputError: it cannot be read, or has another size than the image.
        """
        if self.mask is None:
            return None
        mask, shape = read_mask(self.mask), self.pixels().shape
        if mask.shape != shape[:2]:
            raise size_mismatch(self.mask, (mask.shape[1], mask.shape[0]), (shape[1], shape[0]))
        return mask

    def key(self) -> str:
        """Return the SHA-256 that tells the image from others: of its file, or of its pixels."""
        if isinstance(self.image, Path):
            return sha256_file(self.image)
        shape = "x".join(map(str, self.image.shape))
        return hashlib.sha256(shape.encode() + self.image.tobytes()).hexdigest()


def data_samples(
    data_dir: Path, split: Subset, labels: Sequence[str], *, reporter: Reporter
) -> list[Sample]:
    """Return the images of one subset with their masks.

    Args:
        data_dir: folder in SEG layout.
        split: which subset.
        labels: class names of the model.
        reporter: is warned of a class that is called otherwise.

    Raises:
        InputError: the data cannot be read, or has other classes than the model.
    """
    dataset = open_data_folder(data_dir).dataset(split)
    if dataset.num_classes != len(labels):
        raise InputError(
            "The data has {data} {data:class|classes} and the model {model}: they must be the "
            "same.",
            data=dataset.num_classes,
            model=len(labels),
        )
    if (difference := compare_class_names(dataset.labels, labels)) is not None:
        reporter.warn(difference)
    pairs = (dataset.raw(index) for index in range(len(dataset)))
    return [Sample(Path(image).name, Path(image), Path(mask)) for image, mask in pairs]


def image_samples(images: Sequence[Path]) -> list[Sample]:
    """Return images without masks."""
    return [Sample(image.name, image) for image in images]


def at_most(samples: Sequence[Sample], most: int | None) -> list[Sample]:
    """Return so many of the images, evenly spread; all where ``most`` is None."""
    if most is None or len(samples) <= most:
        return list(samples)
    return [samples[index] for index in spread(len(samples), most)]


def probe_samples() -> list[Sample]:
    """Return the pictures of ``probe_images`` as samples."""
    return [Sample(f"probe {index}", image) for index, image in enumerate(probe_images(), 1)]


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` of the numbers below ``count``, evenly spread."""
    return sorted({index * count // min(count, most) for index in range(min(count, most))})
