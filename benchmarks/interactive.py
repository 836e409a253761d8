"""How well the image-guided labelling tools do on the GrabCut and Berkeley sets.

    uv run benchmarks/interactive.py DATA [--every 4] [--strokes 1 3 5] [--skip-scissors]

DATA holds ``grabcut`` (``data_GT``, ``boundary_GT``) and ``berkeley`` (``images``, ``masks``).

The robot user draws the ground truth's bounding box. Then, stroke by stroke, it dabs a disc of at
most 5 pixels radius at the centre (farthest from its border) of the largest wrong component. The
baseline is OpenCV's ``grabCut`` on the whole image with the same box and the same protocol, five
iterations for the box and two after each stroke. With the scissors it clicks along the true
outline: evenly spaced anchors, doubled until the outline has 95 % IoU. Ignored pixels (128) do not
count.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from core.annotation.edits import Pixels, Region, bounding_box
from core.annotation.grabcut import GrabCut
from core.annotation.polygon import Polygon, polygon_region
from core.annotation.scissors import Scissors
from core.images import ImageArray, read_image

IGNORE = 128
DAB_RADIUS = 5
TARGET_IOU = 0.95
CLICKS = (4, 8, 16, 32, 64)


@dataclass
class Sample:
    """One image; ``counted`` are the pixels that are not ignored."""

    name: str
    image: ImageArray
    truth: Pixels
    counted: Pixels

    def iou(self, pixels: Pixels) -> float:
        """Intersection over union with the truth."""
        common = np.count_nonzero(pixels & self.truth)
        return common / max(np.count_nonzero((pixels | self.truth) & self.counted), 1)


@dataclass
class Row:
    """Results of one tool after the box and after each number of strokes."""

    ious: dict[int, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

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
        yield Sample(path.stem, read_image(files[path.stem]), mask == 255, mask != IGNORE)


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
    size = (sample.truth.shape[1], sample.truth.shape[0])
    box = bounding_box(sample.truth)
    assert box is not None
    cut = GrabCut(sample.image, box)

    def answer(dab: tuple[Region, bool] | None) -> Pixels:
        if dab is not None:
            cut.add_stroke(dab[0], foreground=dab[1])
        region = cut.solve()
        return np.zeros(sample.truth.shape, np.bool_) if region is None else region.in_image(size)

    return answer


def opencv(sample: Sample) -> Answer:
    """Return a robot-driven ``cv2.grabCut``."""
    box = bounding_box(sample.truth)
    assert box is not None
    x0, y0, x1, y1 = box
    labels = np.zeros(sample.truth.shape, np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    size = (sample.truth.shape[1], sample.truth.shape[0])

    def answer(dab: tuple[Region, bool] | None) -> Pixels:
        cv2.setRNGSeed(0)
        if dab is None:
            rect = (x0, y0, x1 - x0, y1 - y0)
            cv2.grabCut(sample.image, labels, rect, *models, 5, cv2.GC_INIT_WITH_RECT)
        else:
            labels[dab[0].in_image(size)] = cv2.GC_FGD if dab[1] else cv2.GC_BGD
            cv2.grabCut(sample.image, labels, None, *models, 2, cv2.GC_EVAL)
        return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)

    return answer


def drive(sample: Sample, make: Callable[[Sample], Answer], row: Row, strokes: list[int]) -> None:
    """Let the robot user work on one image."""
    start = time.process_time()
    answer = make(sample)
    pixels = answer(None)
    row.seconds.append(time.process_time() - start)
    row.add(0, sample.iou(pixels))
    for stroke in range(1, max(strokes, default=0) + 1):
        dab = next_dab(sample, pixels)
        if dab is not None:
            with contextlib.suppress(cv2.error):  # OpenCV's, once one kind has no pixel left
                pixels = answer(dab)
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
        tool = Scissors(sample.image, snap=2)
        tool.start(*stops[0])
        for stop in stops[1:]:
            tool.add_anchor(*stop)
        ring = tool.close()
    size = (sample.truth.shape[1], sample.truth.shape[0])
    region = polygon_region(Polygon.of(ring), size)
    return np.zeros(sample.truth.shape, np.bool_) if region is None else region.in_image(size)


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


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--strokes", type=int, nargs="*", default=[1, 3, 5])
    parser.add_argument("--skip-scissors", action="store_true")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for name in ("grabcut", "berkeley"):
        picked = list(samples(args.data, name, args.every))
        for tool, make in (("ours", ours), ("cv2.grabCut", opencv)):
            row = Row()
            for sample in picked:
                drive(sample, make, row, args.strokes)
            cells = "  ".join(
                f"{strokes}: {np.mean(values):.3f} (worst {min(values):.3f})"
                for strokes, values in row.ious.items()
            )
            cpu = np.mean(row.seconds)
            print(f"{name} ({len(picked)}) {tool:12} {cells}  {cpu:.2f} s CPU", flush=True)
        if not args.skip_scissors:
            for line in outline_table(picked):
                print(f"{name} ({len(picked)}) {line}", flush=True)


if __name__ == "__main__":
    main()
