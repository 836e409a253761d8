"""Whether a bundle computes here what it computed where it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .line_predictor import LinePredictor
from .machine_kind import MachineKind, this_machine
from .mask_files import decode_label_map
from .portable_error import PortableError

LabelMap = npt.NDArray[np.uint8]
SAMPLES: Final = "samples"
SAMPLES_FILE: Final = "samples.json"
#: Share of pixels that may differ on another kind of machine, by the model's precision.
BOUNDS: Final = {"float32": 0.0001, "int8": 0.005}
_SOME_SIDE: Final = 64
_EVEN: Final = 128
#: Of pixels that the model's preprocessing cuts off.
_NOT_SEEN: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCheck:
    """How one sample image came out.

    Attributes:
        image: name of its file.
        pixels: how many it has.
        differing: how many got another class than is expected.
    """

    image: str
    pixels: int
    differing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selftest:
    """What a selftest found.

    Attributes:
        machine: what computed.
        same_kind: whether the samples were computed on the same kind; None without samples.
        bound: share of all samples' pixels that may differ.
        share: share that differs; None without samples.
        samples: each of them.
        problems: one sentence each; empty: all holds.
    """

    machine: MachineKind
    same_kind: bool | None
    bound: float
    share: float | None
    samples: tuple[SampleCheck, ...] = ()
    problems: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether all holds."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types."""
        return {
            "passed": self.passed,
            "machine": self.machine.to_dict(),
            "same_kind": self.same_kind,
            "bound": self.bound,
            "differing_share": self.share,
            "samples": [asdict(one) for one in self.samples],
            "problems": list(self.problems),
        }


def run_selftest(folder: str | Path, predictor: LinePredictor) -> Selftest:
    """Compute an even image and the samples of a bundle, and compare.

    On the kind of machine on which the bundle was made (processor, instruction sets, runtime and
    its version, precision) every pixel must be equal; elsewhere ``BOUNDS`` holds for all samples
    together.

    Args:
        folder: of the bundle.
        predictor: of its model.

    Raises:
        PortableError: the list of samples is damaged.
    """
    machine = this_machine(predictor.runtime)
    problems = _problems_of_even_image(predictor)
    index = _read_index(Path(folder))
    if index is None:
        return Selftest(
            machine=machine, same_kind=None, bound=0.0, share=None, problems=tuple(problems)
        )
    same_kind = index["machine"] == machine.key
    bound = 0.0 if same_kind else BOUNDS.get(predictor.manifest.precision, BOUNDS["float32"])
    checks = []
    for one in index["samples"]:
        place = Path(folder, SAMPLES)
        expected = decode_label_map((place / one["mask"]).read_bytes(), name=one["mask"])
        try:
            label_map = predictor.label_map(place / one["image"])
        except PortableError as error:
            problems.append(str(error))
            continue
        if label_map.shape != expected.shape:
            problems.append(f"{one['image']}: the mask is {label_map.shape}, not {expected.shape}.")
            continue
        differing = int(np.count_nonzero(label_map != expected))
        checks.append(SampleCheck(image=one["image"], pixels=expected.size, differing=differing))
    pixels = sum(one.pixels for one in checks)
    share = sum(one.differing for one in checks) / pixels if pixels else None
    if share is not None and share > bound:
        worst = max(checks, key=lambda one: one.differing / one.pixels)
        problems.append(
            f"{share:.4%} of the samples' pixels differ from what is expected; {bound:.4%} may "
            f"(worst: {worst.image}, {worst.differing} of {worst.pixels})."
        )
    return Selftest(
        machine=machine,
        same_kind=same_kind,
        bound=bound,
        share=share,
        samples=tuple(checks),
        problems=tuple(problems),
    )


def _problems_of_even_image(predictor: LinePredictor) -> list[str]:
    """Compute an image of one grey: scores must be probabilities, classes those of the model."""
    own = predictor.manifest.input
    image = np.full((own.height or _SOME_SIDE, own.width or _SOME_SIDE, 3), _EVEN, np.uint8)
    try:
        scores, label_map = predictor.scores(image), predictor.label_map(image)
    except PortableError as error:
        return [str(error)]
    problems = []
    seen = label_map != _NOT_SEEN
    sums = scores.sum(axis=2)[seen]
    if not np.isfinite(scores).all() or np.abs(sums - 1).max(initial=0) > 0.001:
        problems.append("The scores of an even image are no probabilities.")
    if (label_map[seen] >= predictor.num_classes).any():
        problems.append("The mask of an even image holds classes that the model does not have.")
    return problems


def _read_index(folder: Path) -> dict[str, Any] | None:
    """Return the list of samples, None where there are none."""
    file = folder / SAMPLES / SAMPLES_FILE
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not content["machine"] or any(
            {"image", "mask"} - set(one) for one in content["samples"]
        ):
            raise ValueError("entries are missing")
    except (ValueError, KeyError, TypeError) as error:
        raise PortableError(
            "{file} cannot be read ({reason}): copy the bundle again.", file=file, reason=str(error)
        ) from error
    return dict(content)
