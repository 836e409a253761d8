"""What is stored of a network beside its export, so that the export can be verified without it.

``reference/reference.json`` says what there is; ``NNN.png`` are label maps, ``NNN_mask.png`` masks,
``NNN.npz`` the network's input and its logits in half precision, for as many images as fit, and
``NNN_image.*`` the images themselves where they were asked for.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.deploy.verification.model_facts import ModelFacts
from core.deploy.verification.originals import (
    Answer,
    Array,
    LabelMap,
    Original,
    label_map_of_logits,
)
from core.deploy.verification.samples import Sample, probe_samples, spread
from core.images.io import IGNORE_INDEX, read_mask, write_mask
from core.models.image_sizes import SIZE_MULTIPLE
from core.portable.manifest import (
    Manifest,
    damaged_files,
    file_record,
    read_manifest,
    write_manifest,
)
from core.system.errors import InputError, first_problem, portable_errors
from core.system.files import make_folder, write_bytes_atomic, write_json_atomic
from core.system.reporting import Reporter
from core.transforms import Compose

REFERENCE: Final = "reference"
_INDEX: Final = "reference.json"
#: Most images that are stored.
MOST_IMAGES: Final = 16
#: Most bytes of inputs and logits together, before they are compressed.
_MOST_BYTES: Final = 2**24
#: Most images whose masks are read to choose from.
_LOOKED_AT: Final = 500
_MOST_TEXT: Final = 2**24


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(max_length=1000)
    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    label_map: str = Field(pattern=r"^\d{3}\.png$")
    mask: str | None = Field(None, pattern=r"^\d{3}_mask\.png$")
    tensors: str | None = Field(None, pattern=r"^\d{3}\.npz$")
    image: str | None = Field(None, pattern=r"^\d{3}_image\.\w{1,8}$")


class _Index(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    labels: tuple[str, ...] = Field(min_length=2, max_length=255)
    transforms: tuple[dict[str, dict[str, Any]], ...]
    size_multiple: int = Field(1, ge=1, le=SIZE_MULTIPLE)
    thresholds: tuple[float | None, ...] | None = None
    applies_thresholds: bool = False
    flip_test: bool = False
    background: int | None = None
    images: tuple[_Entry, ...] = Field(max_length=1000)


@dataclass(frozen=True, slots=True)
class StoredReference:
    """What was stored of a network, as an ``Original``; made by ``read_reference``."""

    folder: Path
    facts: ModelFacts
    entries: dict[str, _Entry]

    @property
    def kind(self) -> Literal["reference"]:
        """What it is."""
        return "reference"

    def knows(self, sample: Sample) -> bool:
        """Whether something was stored of an image."""
        return sample.key() in self.entries

    def with_mask(self, sample: Sample) -> Sample:
        """Return an image with the mask that was stored, unless it has one."""
        entry = self.entries.get(sample.key())
        if sample.mask is not None or entry is None or entry.mask is None:
            return sample
        return replace(sample, mask=self.folder / entry.mask)

    def samples(self) -> list[Sample]:
        """Return the images that were stored themselves."""
        return [
            Sample(one.name, self.folder / one.image)
            for one in self.entries.values()
            if one.image is not None
        ]

    def answer(self, sample: Sample) -> Answer | None:
        """Return what was stored of an image."""
        entry = self.entries.get(sample.key())
        if entry is None:
            return None
        label_map = read_mask(self.folder / entry.label_map)
        if entry.tensors is None:
            return Answer(label_map)
        prepared, logits = _read_tensors(self.folder / entry.tensors)
        trace = self._trace(sample)
        return Answer(label_map, prepared, logits, trace)

    def answer_with(self, _sample: Sample, _facts: ModelFacts) -> None:
        """Nothing is known of images that are prepared otherwise."""

    def logits_of(self, _prepared: Array) -> None:
        """Nothing is computed."""

    def label_map_of(self, logits: Array, answer: Answer) -> LabelMap:
        """Return the label map that the network would have made of other logits."""
        return label_map_of_logits(logits, answer.trace, self.facts.chosen_by)

    def _trace(self, sample: Sample) -> Sequence[Any]:
        trace: Sequence[Any] = self._compose()({"image": sample.pixels()})["trace"]
        return trace

    def _compose(self) -> Compose:
        return self.facts.compose()


def read_reference(folder: str | Path, manifest: Manifest) -> StoredReference | None:
    """Return what was stored beside an export, None where nothing was.

    Args:
        folder: of the export.
        manifest: its manifest.

    Raises:
        InputError: it is damaged.
    """
    place = Path(folder) / REFERENCE
    if not (place / _INDEX).is_file():
        return None
    damaged = [name for name in damaged_files(folder, manifest) if name.startswith(f"{REFERENCE}/")]
    if damaged:
        raise _damaged(Path(folder, *damaged[0].split("/")), "its SHA-256 is another")
    try:
        if (place / _INDEX).stat().st_size > _MOST_TEXT:
            raise ValueError("it is too large")
        index = _Index.model_validate_json((place / _INDEX).read_bytes())
    except ValidationError as error:
        where, reason = first_problem(error)
        raise _damaged(place / _INDEX, f"{where}: {reason}") from error
    except (OSError, ValueError) as error:
        raise _damaged(place / _INDEX, str(error)) from error
    facts = ModelFacts(
        labels=index.labels,
        transforms=index.transforms,
        size_multiple=index.size_multiple,
        thresholds=index.thresholds,
        applies_thresholds=index.applies_thresholds,
        flip_test=index.flip_test,
        background=index.background,
    )
    return StoredReference(place, facts, {one.key: one for one in index.images})


def write_reference(
    folder: str | Path,
    original: Original,
    samples: Sequence[Sample],
    *,
    with_images: bool = False,
    reporter: Reporter | None = None,
) -> None:
    """Store what a network makes of some images beside its export.

    Args:
        folder: of the export; its manifest is written anew with the files that come to it.
        original: the network.
        samples: images to choose from; up to ``MOST_IMAGES`` that together show every class.
        with_images: store the images themselves, too.
        reporter: is told of progress and may stop the work.

    Raises:
        InputError: the export, an image or a mask cannot be read.
    """
    reporter = reporter or Reporter()
    with portable_errors():
        manifest = read_manifest(folder)
    place = Path(folder) / REFERENCE
    if place.exists():
        shutil.rmtree(place)
    make_folder(place)
    chosen = [*choose_samples(samples, MOST_IMAGES), *probe_samples()]
    entries: list[_Entry] = []
    room = _MOST_BYTES
    for number, sample in enumerate(chosen):
        reporter.check()
        reporter.progress(number, len(chosen), stage="reference")
        try:
            answer = original.answer(sample)
        except InputError:
            if isinstance(sample.image, Path):
                raise
            continue  # a preprocessing that takes images of one size only
        if answer is None:
            continue
        entry, used = _store(place, number, sample, answer, room=room, with_image=with_images)
        room -= used
        entries.append(entry)
    facts = original.facts
    index = _Index(
        labels=facts.labels,
        transforms=facts.transforms,
        size_multiple=facts.size_multiple,
        thresholds=facts.thresholds,
        applies_thresholds=facts.applies_thresholds,
        flip_test=facts.flip_test,
        background=facts.background,
        images=tuple(entries),
    )
    write_json_atomic(place / _INDEX, index.model_dump(mode="json"))
    others = {
        name: record
        for name, record in manifest.files.items()
        if not name.startswith(f"{REFERENCE}/")
    }
    stored = {
        f"{REFERENCE}/{file.name}": file_record(file)
        for file in sorted(place.iterdir())
        if file.is_file()
    }
    write_manifest(folder, replace(manifest, files={**others, **stored}))
    reporter.progress(len(chosen), len(chosen), stage="reference")


def choose_samples(samples: Sequence[Sample], most: int) -> list[Sample]:
    """Choose images that together show every class, rare ones first; the rest evenly spread."""
    if len(samples) <= most:
        return list(samples)
    looked_at = [samples[index] for index in spread(len(samples), _LOOKED_AT)]
    classes = [_classes(one) for one in looked_at]
    counts: dict[int, int] = {}
    for found in classes:
        for index in found:
            counts[index] = counts.get(index, 0) + 1
    chosen: dict[int, None] = {}
    while len(chosen) < most // 2:
        shown = [set().union(*(classes[one] for one in chosen)) if chosen else set()][0]
        missing = [index for index in counts if index not in shown]
        if not missing:
            break
        rarest = min(missing, key=lambda index: counts[index])
        best = max(
            (one for one in range(len(looked_at)) if rarest in classes[one]),
            key=lambda one: len(classes[one] - shown),
        )
        chosen[best] = None
    for one in spread(len(looked_at), most):
        if len(chosen) < most:
            chosen[one] = None
    return [looked_at[index] for index in sorted(chosen)]


def _classes(sample: Sample) -> set[int]:
    if sample.mask is None:
        return set()
    return {int(value) for value in np.unique(read_mask(sample.mask))} - {IGNORE_INDEX}


def _store(
    place: Path, number: int, sample: Sample, answer: Answer, *, room: int, with_image: bool
) -> tuple[_Entry, int]:
    name = f"{number:03d}"
    write_mask(place / f"{name}.png", answer.label_map)
    mask = sample.label()
    if mask is not None:
        write_mask(place / f"{name}_mask.png", mask)
    image = None
    if with_image and isinstance(sample.image, Path):
        suffix = "".join(c for c in sample.image.suffix.lower() if c.isalnum())[:8] or "img"
        image = f"{name}_image.{suffix}"
        shutil.copyfile(sample.image, place / image)
    used = 0
    if answer.prepared is not None and answer.logits is not None:
        used = 2 * (answer.prepared.size + answer.logits.size)
    fits = 0 < used <= room
    if fits:
        stream = io.BytesIO()
        np.savez_compressed(stream, prepared=_half(answer.prepared), logits=_half(answer.logits))
        write_bytes_atomic(place / f"{name}.npz", stream.getbuffer())
    entry = _Entry(
        name=sample.name,
        key=sample.key(),
        label_map=f"{name}.png",
        mask=None if mask is None else f"{name}_mask.png",
        tensors=f"{name}.npz" if fits else None,
        image=image,
    )
    return entry, used if fits else 0


def _half(values: Array | None) -> npt.NDArray[np.float16]:
    assert values is not None
    return np.clip(values, -6e4, 6e4).astype(np.float16)


def _read_tensors(file: Path) -> tuple[Array, Array]:
    try:
        with np.load(file, allow_pickle=False) as content:
            prepared, logits = (content[name].astype(np.float32) for name in ("prepared", "logits"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(file, str(error)) from error
    if prepared.ndim != 3 or logits.ndim != 3 or prepared.shape[1:] != logits.shape[:2]:
        raise _damaged(file, f"{prepared.shape} {logits.shape}")
    return prepared, logits


def _damaged(file: Path, reason: str) -> InputError:
    return InputError(
        "{file} is damaged ({reason}): export the model again, with --data.",
        file=file,
        reason=reason,
    )
