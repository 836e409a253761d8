"""How well the image-guided labelling tools do on the GrabCut and Berkeley sets and on defects.

    uv run benchmarks/interactive.py DATA [--every 4] [--strokes 1 3 5] [--skip-scissors]
        [--sets grabcut berkeley defects]

DATA holds ``grabcut`` (``data_GT``, ``boundary_GT``), ``berkeley`` (``images``, ``masks``) and
``magnetic_tile`` (``images``, index ``masks``, ``labels.txt``; files named ``MT_<class>_…``). A
defect is a connected part of at least 30 pixels in one of 60 images a class; its box is drawn 2 to
5 pixels too large on each side, and other defects do not count.

The robot user draws the ground truth's bounding box. Then, stroke by stroke, it dabs a disc of at
most 5 pixels radius at the centre (farthest from its border) of the largest wrong component. The
baseline is OpenCV's ``grabCut`` on the whole image with the same box and the same protocol, five
iterations for the box and two after each stroke. With the scissors it clicks along the true
outline, zoomed in until the object is 600 screen pixels long: evenly spaced anchors, doubled until
the outline has 95 % IoU. Ignored pixels (128) do not count. ``drop`` is the largest loss of IoU by
one stroke; a stroke's times are median and 95 %.
"""

from __future__ import annotations

import argparse
import contextlib
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from core.annotation.edits import Box, Pixels, Region, bounding_box
from core.annotation.grabcut import GrabCut
from core.annotation.polygon import Polygon, polygon_region
from core.annotation.scissors import Scissors
from core.images.io import ImageArray, read_image

IGNORE = 128
DAB_RADIUS = 5
LEAST_DEFECT = 30
DEFECT_IMAGES = 60
TARGET_IOU = 0.95
CLICKS = (4, 8, 16, 32, 64)
VIEW = 600  # screen pixels; anchors look for edges within 4 of them
SETS = ("grabcut", "berkeley", "defects")


@dataclass
class Sample:
    """One image; ``counted`` are the pixels that are not ignored."""

    name: str
    image: ImageArray
    truth: Pixels
    counted: Pixels
    box: Box

    def iou(self, pixels: Pixels) -> float:
        """Intersection over union with the truth."""
        common = np.count_nonzero(pixels & self.truth)
        return common / max(np.count_nonzero((pixels | self.truth) & self.counted), 1)

    def pixels(self, region: Region | None) -> Pixels:
        """Return a region as pixels of the whole image."""
        height, width = self.truth.shape
        return (region or Region((0, 0, 0, 0), np.zeros((0, 0), np.bool_))).in_box(
            (0, 0, width, height)
        )


@dataclass
class Row:
    """Results of one tool after the box and after each number of strokes."""

    ious: dict[int, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    stroke_seconds: list[float] = field(default_factory=list)
    drop: float = 0.0

    def add(self, strokes: int, iou: float) -> None:
        """Note one image's result."""
        self.ious.setdefault(strokes, []).append(iou)


def samples(data: Path, name: str, every: int) -> Iterator[Sample]:
    """Yield each ``every``-th image of a set."""
    pictures, masks = {
        "grabcut": ("data_GT", "boundary_GT"),
        "berkeley": ("images", "masks"),
    }[name]
    files = {path.stem: path for path in (data / name / pictures).iterdir()}
    for path in sorted((data / name / masks).iterdir())[::every]:
        mask = read_image(path)[..., 0]
        truth = mask == 255
        box = bounding_box(truth)
        assert box is not None
        yield Sample(path.stem, read_image(files[path.stem]), truth, mask != IGNORE, box)


def defects(data: Path, every: int) -> Iterator[tuple[str, list[Sample]]]:
    """Yield each class of defects with every ``every``-th of its defects."""
    folder = data / "magnetic_tile"
    names = (folder / "labels.txt").read_text(encoding="utf-8").split()
    for index, name in enumerate(names[1:], start=1):
        paths = sorted((folder / "masks").glob(f"MT_{name}_*.png"))
        paths = paths[:: max(1, len(paths) // DEFECT_IMAGES)][:DEFECT_IMAGES]
        found = [sample for path in paths for sample in image_defects(folder, path, index)]
        yield name, found[::every]


def image_defects(folder: Path, path: Path, index: int) -> Iterator[Sample]:
    """Yield the defects of one class in one image."""
    mask = read_image(path)[..., 0]
    image = read_image(folder / "images" / f"{path.stem}.jpg")
    height, width = mask.shape
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == index).astype(np.uint8))
    for part in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= LEAST_DEFECT) + 1:
        name = f"{path.stem}#{part}"
        left, top, right, bottom = np.random.default_rng(zlib.crc32(name.encode())).integers(
            2, 6, 4
        )
        x, y, w, h = stats[part, : cv2.CC_STAT_AREA]
        box = (
            max(0, int(x - left)),
            max(0, int(y - top)),
            min(width, int(x + w + right)),
            min(height, int(y + h + bottom)),
        )
        truth = labels == part
        yield Sample(name, image, truth, truth | (mask == 0), box)


def next_dab(sample: Sample, pixels: Pixels) -> tuple[Region, bool] | None:
    """Return where the robot user dabs, and whether with the object's colour."""
    wrong = (pixels != sample.truth) & sample.counted
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8))
    if count < 2:
        return None
    worst = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    part = np.pad(labels == worst, 1).astype(np.uint8)
    depth = cv2.distanceTransform(part, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    dab = np.zeros(wrong.shape, np.uint8)
    cv2.circle(dab, (int(x), int(y)), int(min(DAB_RADIUS, max(depth.max() - 1, 0))), 1, -1)
    region = Region((0, 0, dab.shape[1], dab.shape[0]), (dab > 0) & (labels == worst)).tight()
    return None if region is None else (region, bool(sample.truth[y, x]))


Answer = Callable[[tuple[Region, bool] | None], Pixels]


def ours(sample: Sample) -> Answer:
    """Return a robot-driven ``GrabCut``."""
    cut = GrabCut(sample.image, sample.box)

    def answer(dab: tuple[Region, bool] | None) -> Pixels:
        if dab is not None:
            cut.add_stroke(dab[0], foreground=dab[1])
        region = cut.solve()
        return sample.pixels(region)

    return answer


def opencv(sample: Sample) -> Answer:
    """Return a robot-driven ``cv2.grabCut``."""
    x0, y0, x1, y1 = sample.box
    labels = np.zeros(sample.truth.shape, np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    size = (sample.truth.shape[1], sample.truth.shape[0])

    def answer(dab: tuple[Region, bool] | None) -> Pixels:
        cv2.setRNGSeed(0)
        if dab is None:
            rect = (x0, y0, x1 - x0, y1 - y0)
            cv2.grabCut(sample.image, labels, rect, *models, 5, cv2.GC_INIT_WITH_RECT)
        else:
            labels[dab[0].in_box((0, 0, *size))] = cv2.GC_FGD if dab[1] else cv2.GC_BGD
            cv2.grabCut(sample.image, labels, None, *models, 2, cv2.GC_EVAL)
        return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)

    return answer


def drive(sample: Sample, make: Callable[[Sample], Answer], row: Row, strokes: list[int]) -> None:
    """Let the robot user work on one image."""
    start = time.process_time()
    answer = make(sample)
    pixels = np.zeros(sample.truth.shape, np.bool_)
    with contextlib.suppress(cv2.error):  # OpenCV's, if the box leaves nothing outside
        pixels = answer(None)
    row.seconds.append(time.process_time() - start)
    row.add(0, sample.iou(pixels))
    for stroke in range(1, max(strokes, default=0) + 1):
        dab = next_dab(sample, pixels)
        if dab is not None:
            before, start = sample.iou(pixels), time.process_time()
            with contextlib.suppress(cv2.error):  # OpenCV's, once one kind has no pixel left
                pixels = answer(dab)
            row.stroke_seconds.append(time.process_time() - start)
            row.drop = max(row.drop, before - sample.iou(pixels))
        if stroke in strokes:
            row.add(stroke, sample.iou(pixels))


def outline(sample: Sample, clicks: int, *, scissors: bool) -> Pixels:
    """Return what an outline of ``clicks`` anchors on the largest part encloses."""
    contours, _ = cv2.findContours(
        sample.truth.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    contour = max(contours, key=cv2.contourArea).reshape(-1, 2)
    stops = contour[np.linspace(0, len(contour), clicks, endpoint=False).astype(int)] + 0.5
    ring = stops
    if scissors:
        longer = max(sample.box[2] - sample.box[0], sample.box[3] - sample.box[1])
        tool = Scissors(sample.image, snap=min(4, 4 * longer // VIEW))
        tool.start(*stops[0])
        for stop in stops[1:]:
            tool.add_anchor(*stop)
        ring = tool.close()
    size = (sample.truth.shape[1], sample.truth.shape[0])
    region = polygon_region(Polygon.of(ring), size)
    return (
        np.zeros(sample.truth.shape, np.bool_) if region is None else region.in_box((0, 0, *size))
    )


def outline_table(picked: list[Sample]) -> Iterator[str]:
    """Yield lines: IoU per number of clicks and clicks to the target, scissors and polygon."""
    for name, scissors in (("scissors", True), ("straight polygon", False)):
        needed, ious = [], {clicks: [] for clicks in CLICKS}
        for sample in picked:
            found = None
            for clicks in CLICKS:
                iou = sample.iou(outline(sample, clicks, scissors=scissors))
                ious[clicks].append(iou)
                found = clicks if found is None and iou >= TARGET_IOU else found
            needed.append(2 * CLICKS[-1] if found is None else found)
        means = "  ".join(f"{clicks}: {np.mean(values):.3f}" for clicks, values in ious.items())
        yield f"{name:17} {means}  clicks to {TARGET_IOU:.0%}: {np.mean(needed):.1f}"


def cut_table(picked: list[Sample], strokes: list[int]) -> Iterator[str]:
    """Yield lines: IoU after the box and after strokes, this tool and OpenCV's."""
    for tool, make in (("ours", ours), ("cv2.grabCut", opencv)):
        row = Row()
        for sample in picked:
            drive(sample, make, row, strokes)
        cells = "  ".join(
            f"{count}: {np.mean(values):.3f} (worst {min(values):.3f})"
            for count, values in row.ious.items()
        )
        times = np.percentile(row.stroke_seconds or [0.0], [50, 95]) * 1000
        yield (
            f"{tool:12} {cells}  drop {row.drop:.2f}  box {np.mean(row.seconds):.2f} s CPU, "
            f"stroke {times[0]:.0f} / {times[1]:.0f} ms CPU"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--strokes", type=int, nargs="*", default=[1, 3, 5])
    parser.add_argument("--skip-scissors", action="store_true")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for chosen in args.sets:
        groups = (
            defects(args.data, args.every)
            if chosen == "defects"
            else [(chosen, list(samples(args.data, chosen, args.every)))]
        )
        for name, picked in groups:
            for line in cut_table(picked, args.strokes):
                print(f"{name} ({len(picked)}) {line}", flush=True)
            if not args.skip_scissors:
                for line in outline_table(picked):
                    print(f"{name} ({len(picked)}) {line}", flush=True)


if __name__ == "__main__":
    main()
