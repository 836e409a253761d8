"""Everything that is wrong with a data folder, found in one pass, and its statistics."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.data.dataset_statistics import DatasetStatistics, ImageFacts, collect_statistics
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.left_aside import note_encodings
from core.datasets import (
    LABELS_FILE,
    SUBSETS,
    Item,
    Subset,
    check_exists,
    find_list,
    read_colors,
    read_labels,
    read_list,
    respelt_remark,
    unknown_values_error,
)
from core.images import io as images
from core.images.io import IGNORE_INDEX
from core.system.errors import InputError
from core.system.files import noting_encodings
from core.system.messages import Message, message
from core.transforms.base import size_mismatch

__all__ = [
    "DatasetStatistics",
    "Finding",
    "ValidationReport",
    "judge_statistics",
    "validate_folder",
]

Severity = Literal["error", "warning", "info"]
Progress = Callable[[int, int], None]
_ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}

TINY_SUBSET = 5  # images below which a metric says little
RARE_IMAGES = 3  # training images below which a class is hardly learnt
RARE_SHARE = 0.0005  # of the labelled training pixels


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    ``code`` is stable for programs; ``file`` is the file concerned, None for the whole set;
    ``count`` is how many pixels or images it concerns, as the message says.
    """

    severity: Severity
    code: str
    message: Message
    file: Path | None = None
    count: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return plain types for ``json.dumps``."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": str(self.message),
            "file": None if self.file is None else str(self.file),
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """All findings, errors first, and the statistics of the images that are in order."""

    findings: tuple[Finding, ...]
    statistics: DatasetStatistics

    @property
    def is_valid(self) -> bool:
        """Whether training could start: no finding is an error."""
        return not any(finding.severity == "error" for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """Return how many findings each code has."""
        return dict(Counter(finding.code for finding in self.findings))

    def to_json(self) -> dict[str, Any]:
        """Return plain types for ``json.dumps``."""
        return {
            "valid": self.is_valid,
            "counts": self.counts(),
            "findings": [finding.to_json() for finding in self.findings],
            "statistics": self.statistics.to_json(),
        }


@dataclass(frozen=True, slots=True)
class _Checked:
    """What looking at one image and its mask gave."""

    item: Item
    subset: Subset
    findings: tuple[Finding, ...]
    digest: bytes | None = None
    facts: ImageFacts | None = None


def validate_folder(data_dir: Path | str, *, progress: Progress | None = None) -> ValidationReport:
    """Check every line, image and mask of a SEG folder; all images are decoded.

    Args:
        data_dir: folder with ``labels.txt`` and lists.
        progress: called with (images done, images in all) on this thread; whatever it raises
            ends the check and is passed on.

    Raises:
        InputError: the folder itself does not exist.
    """
    folder = Path(data_dir).absolute()
    if not folder.is_dir():
        raise InputError("The data folder {folder} does not exist.", folder=folder)
    with noting_encodings() as encodings:
        labels, findings = _check_labels(folder)
        entries, list_findings = _check_lists(folder)
    findings += list_findings
    findings += _guessed_encodings(encodings)
    checked = list(_check_items(folder, entries, len(labels), progress))
    for result in checked:
        findings += result.findings
    facts = [result.facts for result in checked if result.facts is not None]
    statistics = collect_statistics(labels, facts)
    findings += _find_duplicates(checked)
    findings += judge_statistics(statistics)
    findings.sort(key=lambda f: (_ORDER[f.severity], f.code, str(f.file or "")))
    return ValidationReport(tuple(findings), statistics)


def _error(code: str, error: InputError, file: Path | None = None, count: int = 1) -> Finding:
    return Finding("error", code, error.message, file, count)


def _check_labels(folder: Path) -> tuple[tuple[str, ...], list[Finding]]:
    path = folder / LABELS_FILE
    try:
        labels = read_labels(path)
    except InputError as error:
        return (), [_error("bad_labels" if path.exists() else "missing_labels", error, path)]
    findings = []
    if len(labels) == 1:
        alone = InputError(
            "{file} names only one class; a network needs at least two, background included.",
            file=path,
        )
        findings.append(_error("one_class", alone, path))
    try:
        read_colors(folder, len(labels))
    except InputError as error:
        findings.append(_error("bad_colors", error, folder))
    return labels, findings


def _check_lists(folder: Path) -> tuple[list[tuple[Subset, Item]], list[Finding]]:
    entries: list[tuple[Subset, Item]] = []
    findings: list[Finding] = []
    for subset in SUBSETS:
        path = find_list(folder, subset)
        if not path.exists():
            findings.append(_missing_list(subset, path))
            continue
        try:
            content = read_list(path, folder)
        except InputError as error:
            findings.append(_error("bad_list", error, path))
            continue
        findings += [_error("bad_line", problem, path) for problem in content.problems]
        if content.respelt:
            text = respelt_remark(content.respelt, path)
            findings.append(Finding("warning", "other_spelling", text, path, len(content.respelt)))
        entries += [(subset, item) for item in content.items]
        if not content.items and not content.problems:
            empty = InputError("{file} lists no images.", file=path)
            findings.append(_error("empty_list", empty, path))
    return entries, findings


def _guessed_encodings(encodings: Mapping[Path, str]) -> Iterator[Finding]:
    report = ConversionReport()
    note_encodings(encodings, report)
    for file, text in zip(encodings, report.messages, strict=True):
        yield Finding("warning", "assumed_encoding", text, file)


def _missing_list(subset: Subset, path: Path) -> Finding:
    if subset == "train":
        text = message("{file} does not exist: there is nothing to train on.", file=path)
        return Finding("error", "missing_list", text, path)
    if subset == "val":
        text = message(
            "{file} does not exist: no model can be chosen as the best; split the data.", file=path
        )
        return Finding("warning", "missing_list", text, path)
    text = message("{file} does not exist: there is no untouched subset to test on.", file=path)
    return Finding("info", "missing_list", text, path)


def _check_items(
    folder: Path,
    entries: Sequence[tuple[Subset, Item]],
    num_classes: int,
    progress: Progress | None,
) -> Iterator[_Checked]:
    """Look at all images, several at a time (decoding does not hold the interpreter's lock)."""
    executor = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        work = executor.map(
            lambda entry: _check_item(folder, entry[0], entry[1], num_classes), entries
        )
        for done, result in enumerate(work, 1):
            if progress is not None:
                progress(done, len(entries))
            yield result
    finally:
        executor.shutdown(cancel_futures=True)


def _check_item(folder: Path, subset: Subset, item: Item, num_classes: int) -> _Checked:
    try:
        check_exists(item, find_list(folder, subset))
    except InputError as error:
        missing = item.mask if item.image.is_file() else item.image
        return _Checked(item, subset, (_error("missing_file", error, missing),))
    findings: list[Finding] = []
    size = digest = mask = None
    try:
        image = images.read_image(item.image)
        size = (image.shape[1], image.shape[0])
        digest = hashlib.blake2b(image.tobytes() + str(size).encode(), digest_size=16).digest()
    except InputError as error:
        findings.append(_error("unreadable_image", error, item.image))
    try:
        mask = images.read_mask(item.mask)
    except InputError as error:
        code = "three_channel_mask" if "channels" in error.message.params else "unreadable_mask"
        findings.append(_error(code, error, item.mask))
    if size is None or mask is None:
        return _Checked(item, subset, tuple(findings), digest)
    mask_size = (mask.shape[1], mask.shape[0])
    if mask_size != size:
        mismatch = size_mismatch(item.mask, mask_size, size)
        return _Checked(item, subset, (_error("size_mismatch", mismatch, item.mask),), digest)
    counts = np.bincount(mask.ravel(), minlength=256)
    ignored = int(counts[IGNORE_INDEX])
    pixels = {int(value): int(counts[value]) for value in np.flatnonzero(counts[:IGNORE_INDEX])}
    for value, count in pixels.items():
        if num_classes and value >= num_classes:
            unknown = unknown_values_error(item.mask, value, count, num_classes)
            findings.append(_error("value_out_of_range", unknown, item.mask, count))
    if ignored == mask.size:
        text = message("The mask {file} ignores every pixel (255).", file=item.mask)
        findings.append(Finding("warning", "all_ignored", text, item.mask, ignored))
    facts = (
        None
        if any(f.severity == "error" for f in findings)
        else ImageFacts(subset, size, pixels, ignored)
    )
    return _Checked(item, subset, tuple(findings), digest, facts)


def _find_duplicates(checked: Sequence[_Checked]) -> Iterator[Finding]:
    """Images with the same pixels, whatever their names and formats."""
    groups: defaultdict[bytes, list[_Checked]] = defaultdict(list)
    for result in checked:
        if result.digest is not None:
            groups[result.digest].append(result)
    for group in groups.values():
        if len(group) == 1:
            continue
        first = group[0]
        other = next((result for result in group if result.subset != first.subset), None)
        if other is not None:
            text = message(
                "{file} ({subset}) and {other} ({other_subset}) are the same image, so the metrics"
                " will look better than they are; keep it in one subset.",
                file=first.item.image,
                subset=first.subset,
                other=other.item.image,
                other_subset=other.subset,
            )
            yield Finding("warning", "duplicate_across_splits", text, first.item.image, len(group))
        else:
            text = message(
                "{file} is in the {subset} subset {count} {count:time|times}.",
                file=first.item.image,
                subset=first.subset,
                count=len(group),
            )
            yield Finding("info", "duplicate_in_subset", text, first.item.image, len(group))


def judge_statistics(statistics: DatasetStatistics) -> list[Finding]:
    """Return what the counts alone say about classes and subsets."""
    return [*_judge_classes(statistics), *_judge_subsets(statistics)]


def _judge_classes(statistics: DatasetStatistics) -> Iterator[Finding]:
    if not statistics.images:
        return
    totals = statistics.total_pixels
    ignored = sum(statistics.ignored_pixels.values())
    if ignored and sum(1 for total in totals if total) == 1 < len(totals):
        text = message(
            "The masks hold one class and {count} {count:pixel|pixels} of 255, which is ignored; "
            "if 255 marks an object, give those pixels the number of their class.",
            count=ignored,
        )
        yield Finding("warning", "object_as_255", text, None, ignored)
    for index, label in enumerate(statistics.labels):
        finding = _judge_class(statistics, index, label)
        if finding is not None:
            yield finding


def _judge_class(statistics: DatasetStatistics, index: int, label: str) -> Finding | None:
    shown = {subset: rows[index] for subset, rows in statistics.class_images.items()}
    subsets = [subset for subset, count in shown.items() if count]
    if not subsets:
        text = message("The class “{label}” ({index}) has no pixels.", label=label, index=index)
        return Finding("warning", "class_without_pixels", text, None, 0)
    if len(subsets) == 1 and len(shown) > 1 and shown[subsets[0]] == 1:
        text = message(
            "One image alone shows the class “{label}”, in the {subset} subset: label more of it, "
            "so that it can be learnt and measured.",
            label=label,
            subset=subsets[0],
        )
        return Finding("warning", "class_in_one_image", text, None, 1)
    if len(subsets) == 1 and len(shown) > 1:
        text = message(
            "The class “{label}” occurs only in the {subset} subset ({count} "
            "{count:image|images}); split again so that every subset shows it.",
            label=label,
            subset=subsets[0],
            count=shown[subsets[0]],
        )
        return Finding("warning", "class_only_in_one_subset", text, None, shown[subsets[0]])
    trained = statistics.train_pixels
    share = trained[index] / max(1, sum(trained))
    # What all training images show is not rare, however few there are.
    scarce = shown.get("train", 0) < min(RARE_IMAGES, statistics.images.get("train", 0))
    if "train" in shown and (scarce or share < RARE_SHARE):
        text = message(
            "The class “{label}” is rare in training: {count} {count:image|images}, {share} % of "
            "the pixels.",
            label=label,
            count=shown["train"],
            share=f"{100 * share:.2g}",
        )
        return Finding("warning", "rare_class", text, None, shown["train"])
    return None


def _judge_subsets(statistics: DatasetStatistics) -> Iterator[Finding]:
    for subset, count in statistics.images.items():
        if count < TINY_SUBSET:
            text = message(
                "The {subset} subset has only {count} {count:image|images}; its figures will say "
                "little.",
                subset=subset,
                count=count,
            )
            yield Finding("warning", "tiny_subset", text, None, count)
    if len(statistics.sizes) > 1:
        (width, height), _ = statistics.sizes[0]
        text = message(
            "The images have {count} different {count:size|sizes}, most often {width}×{height}.",
            count=len(statistics.sizes),
            width=width,
            height=height,
        )
        yield Finding("info", "many_sizes", text, None, len(statistics.sizes))
