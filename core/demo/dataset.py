"""The demo set on disk: PaddleX's SEG layout, several exposures of each part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.splitting import split_items
from core.datasets import SUBSETS, Subset, write_data_folder
from core.demo import defects
from core.demo.surface import Finish, Lamp, Surface, handle, make_surface, photograph
from core.images.io import write_image, write_mask
from core.system.errors import InputError
from core.system.files import replace_folder_atomic

LABELS = ("background", "scratch", "pit", "stain")
PALETTE = ((52, 58, 64), (230, 159, 0), (204, 61, 89), (86, 180, 233))
GROUP_PATTERN = r"part_\d+"
"""Exposures of one part share this much of their name; a split keeps them together."""
VAL_SHARE, TEST_SHARE = 0.2, 0.2

_FINISHES: tuple[Finish, ...] = ("brushed", "cast", "milled")
_MARGIN = 16  # pixels around the picture that a shifted part may show
_DEFECTS = (defects.add_scratch, defects.add_pits, defects.add_stain)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """What the set is made of; the same settings give the same pixels.

    Attributes:
        images: how many pictures.
        exposures: pictures of each part (the last part may have fewer).
        side: pixels, pictures are square.
        seed: of the random generator.

    Raises:
        InputError: too few images for three subsets.
    """

    images: int = 160
    exposures: int = 3
    side: int = 256
    seed: int = 7

    def __post_init__(self) -> None:
        if self.parts < 3:
            raise InputError(
                "The demo set needs at least {least} images, one part each for training, "
                "validation and test; {images} are too few.",
                least=2 * self.exposures + 1,
                images=self.images,
            )

    @property
    def parts(self) -> int:
        """How many parts the pictures show."""
        return -(-self.images // self.exposures)


def make_dataset(
    folder: Path,
    settings: DemoSettings | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the set to ``folder`` in PaddleX's SEG layout: images, masks, labels.txt and lists.

    The folder appears whole or not at all.

    Args:
        folder: must not exist yet.
        settings: what the set is made of.
        progress: called with (images done, images) after each part.

    Raises:
        InputError: ``folder`` exists.
    """
    settings = settings or DemoSettings()
    if folder.exists():
        raise InputError("{file} exists already; choose another folder.", file=folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder_atomic(folder) as target:
        classes: dict[tuple[str, str], list[int]] = {}
        for name in ("JPEGImages", "Annotations"):
            (target / name).mkdir()
        for part in range(settings.parts):
            for exposure, (image, label) in enumerate(render_part(part, settings)):
                if len(classes) == settings.images:
                    break
                stem = f"part_{part:03d}_exposure_{exposure + 1}"
                item = (f"JPEGImages/{stem}.jpg", f"Annotations/{stem}.png")
                write_image(target / item[0], image)
                write_mask(target / item[1], label, palette=PALETTE)
                classes[item] = [index for index in range(len(LABELS)) if (label == index).any()]
            if progress is not None:
                progress(len(classes), settings.images)
        split = split_items(
            list(classes),
            val=VAL_SHARE,
            test=TEST_SHARE,
            group=GROUP_PATTERN,
            seed=settings.seed,
            classes=classes,
        )
        subsets: dict[Subset, list[tuple[str, str]]] = {subset: [] for subset in SUBSETS}
        for item, subset in split.items():
            subsets[subset].append(item)
        write_data_folder(target, labels=LABELS, subsets=subsets, colors=PALETTE)


def make_new_images(folder: Path, count: int, settings: DemoSettings) -> None:
    """Write one exposure each of ``count`` parts that are not in the set, without masks."""
    first = settings.parts
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder_atomic(folder) as target:
        for part in range(first, first + count):
            write_image(target / f"part_{part:03d}.jpg", render_part(part, settings)[0][0])


def render_part(
    part: int, settings: DemoSettings
) -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
    """Return the exposures of one part: image (H, W, 3) uint8 BGR and label map (H, W) uint8.

    Parts draw from generators of their own, so part 12 is the same in a set of 40 and of 400.
    """
    rng = np.random.default_rng([settings.seed, part])
    surface = _make_part(part, rng, settings.side + 2 * _MARGIN)
    lamp_angle = rng.uniform(0, 2 * np.pi)
    exposures = []
    for exposure in range(settings.exposures):
        angle = lamp_angle + exposure * 2 * np.pi / settings.exposures + rng.normal(0, 0.2)
        reach = rng.uniform(0.75, 1.15)
        lamp = Lamp(
            x=reach * float(np.cos(angle)),
            y=reach * float(np.sin(angle)),
            z=float(rng.uniform(0.75, 1.1)),
            power=float(rng.uniform(0.85, 1.25)),
        )
        view = handle(surface, rng, side=settings.side)
        exposures.append((photograph(view, lamp, rng), view.label))
    return exposures


def _make_part(part: int, rng: np.random.Generator, side: int) -> Surface:
    surface = make_surface(rng, _FINISHES[part % len(_FINISHES)], side)
    if rng.random() < 0.28:
        defects.add_tool_marks(surface, rng)
    # Every eighth part is good, every fifth shows faint defects; the rest are plain.
    if part % 8 != 7:
        faint = part % 5 == 4
        first = (part // len(_FINISHES) + part) % len(_DEFECTS)
        kinds = [first, *rng.choice(len(_DEFECTS), int(rng.integers(0, 3))).tolist()]
        for kind in sorted(kinds, reverse=True):  # stains first: they run under the other two
            strength = float(rng.uniform(0.3, 0.5) if faint else rng.uniform(0.8, 1.1))
            _DEFECTS[kind](surface, rng, strength=strength)
    if rng.random() < 0.3:
        defects.add_marking(surface, rng)
    if rng.random() < 0.25:
        defects.add_bore(surface, rng)
    defects.add_dust(surface, rng)
    return surface
