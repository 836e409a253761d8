"""How much mIoU is lost when one group of channels is pruned, for every group and ratio."""

from __future__ import annotations

import copy
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from paddle import nn

from core.compression.channel_groups import ChannelGroup, find_groups
from core.compression.criteria import Scores, check_criterion, lowest, master_name, score_group
from core.compression.sensitivity.evaluation_subset import choose_images
from core.compression.sensitivity.fast_evaluation import FastEvaluation
from core.compression.sensitivity.sensitivity_file import (
    FILE_NAME,
    Sensitivities,
    read_sensitivities,
    write_sensitivities,
)
from core.compression.slicing import mask_channels
from core.compression.trace import trace
from core.models.trainable import TrainableModel
from core.prediction import paddle_predictor as inference
from core.system.errors import InputError
from core.system.files import make_folder
from core.system.messages import message
from core.system.reporting import Reporter
from core.training.console_reporter import ConsoleReporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

RATIOS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Loss from which ``fast`` measures a group at no higher ratio: half of the mIoU is gone.
HOPELESS: Final = 0.5
_FAST_SHARE: Final = 0.2
_FAST_LEAST, _FAST_MOST = 24, 96


def analyze(
    model: TrainableModel,
    dataset: SegDataset,
    *,
    batch_size: int = 8,
    criterion: str = "l1_norm",
    save_dir: str | Path = "output",
    ratios: Sequence[float] = RATIOS,
    fast: bool = False,
    groups: Sequence[str] | None = None,
    reporter: Reporter | None = None,
) -> Sensitivities:
    """Prune each group alone by each ratio, measure, and put the network back.

    ``save_dir/model.sensi.data`` is replaced after each measurement, and one that was interrupted
    goes on where it was. A file there that belongs to other weights, data or settings is kept as
    ``model.sensi.previous_N.data``.

    Args:
        model: its ``net`` is measured; the network is as it was afterwards.
        dataset: images with masks.
        batch_size: images computed at once.
        criterion: how filters are ranked: ``"l1_norm"`` or ``"fpgm"``.
        save_dir: where the file goes.
        ratios: pruned shares, 0 … 1.
        fast: use a fifth of the images (24 to 96, every class among them), compare at the
            network's input size, compute what a group does not change once, and measure a group
            no further once half of the mIoU is lost (see ``Sensitivities.bounds``).
        groups: names of the groups to measure; None for all that the logits depend on.
        reporter: is told of progress and may stop the work.

    Raises:
        InputError: unknown criterion or group, a ratio outside 0 … 1, no preprocessing known, or
            an evaluation set without labelled pixels.
        StopRequested: the reporter asked to stop; call again to go on.
    """
    check_criterion(criterion)
    reporter = reporter or ConsoleReporter()
    wanted = _checked_ratios(ratios)
    transforms = dataset.transforms or model.test_transforms
    if transforms is None:
        raise InputError(
            "Neither the evaluation set nor the model says how images are prepared; give the "
            "evaluation set transforms."
        )
    chosen = _choose(analyzable_groups(model.net), groups)
    reporter.progress(0, len(chosen) * len(wanted), stage="sensitivity")
    identity = Sensitivities(
        criterion=criterion,
        baseline=None,
        losses={},
        fast=fast,
        network=hash_network(model.net),
        data=hash_data(dataset, transforms, check=reporter.check),
    )
    maker = _fast_measure if fast else _full_measure
    measure, images = maker(model, dataset, transforms, batch_size, reporter)
    analysis = _Analysis(
        model.net, chosen, wanted, make_folder(save_dir) / FILE_NAME, identity, reporter
    )
    return analysis.run(measure, images=images)


def analyzable_groups(net: nn.Layer) -> tuple[ChannelGroup, ...]:
    """Find the groups that the logits depend on: those of auxiliary heads cost no mIoU."""
    deployed = {call.path for call in trace(net, (64, 64)).deployed().calls}
    return tuple(
        group
        for group in find_groups(net, (64, 64))
        if any(member.path in deployed for member in group.members if member.side == "in")
    )


def ranking_names(net: nn.Layer) -> tuple[str | None, ...]:
    """For each convolution, in the order of definition, the group that it ranks, or None.

    ``read_sensitivities`` needs them for PaddleX's files.
    """
    ranked = {master_name(net, group): group.name for group in find_groups(net, (64, 64))}
    return tuple(
        ranked.get(f"{path}.weight")
        for path, layer in net.named_sublayers()
        if isinstance(layer, nn.Conv2D)
    )


#: mIoU of the network as it is now; the paths are those of layers that a group may change.
Measure = Callable[[frozenset[str]], float]


def _full_measure(
    model: TrainableModel,
    dataset: SegDataset,
    transforms: Compose,
    batch_size: int,
    reporter: Reporter,
) -> tuple[Measure, int]:
    """Measure as ``evaluate`` does: all images, at their original sizes."""
    predictor = inference.ImagePredictor(
        model.net, transforms, num_classes=model.num_classes, multiple=model.size_multiple
    )

    def measure(changed: frozenset[str]) -> float:
        matrix = inference.evaluate(
            predictor,
            dataset,
            batch_size=batch_size,
            on_step=lambda done, count: reporter.check(),
        )
        miou: float | None = matrix.metrics()["miou"]
        if miou is None:
            raise InputError(
                "No pixel of the evaluation set has a class: all are ignored (255); correct its "
                "masks."
            )
        return miou

    return measure, len(dataset)


def _fast_measure(
    model: TrainableModel,
    dataset: SegDataset,
    transforms: Compose,
    batch_size: int,
    reporter: Reporter,
) -> tuple[Measure, int]:
    count = min(_FAST_MOST, max(_FAST_LEAST, math.ceil(_FAST_SHARE * len(dataset))))
    evaluation = FastEvaluation(
        model.net,
        dataset,
        transforms,
        indices=choose_images(dataset, count, check=reporter.check),
        batch_size=batch_size,
        check=reporter.check,
    )
    return evaluation.miou, evaluation.images


class _Analysis:
    """One analysis, begun or gone on with."""

    def __init__(
        self,
        net: nn.Layer,
        groups: Sequence[ChannelGroup],
        ratios: Sequence[float],
        file: Path,
        identity: Sensitivities,
        reporter: Reporter,
    ) -> None:
        self._net = net
        self._groups = groups
        self._ratios = ratios
        self._file = file
        self._identity = identity
        self._reporter = reporter
        self._fast = identity.fast
        self._dense = {
            path
            for path, layer in net.named_sublayers()
            if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)) and layer._groups == 1
        }
        self._measured = 0
        self._started = time.monotonic()

    def run(self, measure: Measure, *, images: int) -> Sensitivities:
        """Measure what is missing; ``images`` are those that ``measure`` uses."""
        known = _continued(self._file, self._identity, self._reporter)
        self._losses = {name: dict(by_ratio) for name, by_ratio in known.losses.items()}
        self._bounds = {name: list(ratios) for name, ratios in known.bounds.items()}
        self._images = images
        self._baseline = known.baseline if known.baseline is not None else measure(frozenset())
        self._started = time.monotonic()
        for number, group in enumerate(self._groups):
            self._report_known(group)
            if self._missing(group):
                self._measure_group(group, measure, before=number)
        total = len(self._groups) * len(self._ratios)
        self._reporter.progress(total, total, stage="sensitivity", eta_s=0.0)
        return self._found()

    def _measure_group(self, group: ChannelGroup, measure: Measure, *, before: int) -> None:
        scores = score_group(self._net, group, str(self._identity.criterion))
        readers = frozenset(
            member.path
            for member in group.members
            if member.side == "in" and member.path in self._dense
        )
        for ratio in self._missing(group):
            self._reporter.check()
            self._show_progress(before, ratio)
            losses = self._losses.setdefault(group.name, {})
            if self._fast and (bound := _bound(losses, ratio)) is not None:
                losses[ratio] = bound
                self._bounds.setdefault(group.name, []).append(ratio)
            else:
                with _pruned(self._net, group, scores, ratio):
                    miou = measure(readers)
                losses[ratio] = (self._baseline - miou) / (self._baseline + 1e-3)
                self._measured += 1
            self._report(group, ratio)
            write_sensitivities(self._file, self._found())

    def _missing(self, group: ChannelGroup) -> list[float]:
        known = self._losses.get(group.name, {})
        return [ratio for ratio in self._ratios if ratio not in known]

    def _found(self) -> Sensitivities:
        identity = self._identity
        return Sensitivities(
            criterion=identity.criterion,
            baseline=self._baseline,
            losses=copy.deepcopy(self._losses),
            bounds={name: tuple(ratios) for name, ratios in self._bounds.items()},
            fast=identity.fast,
            images=self._images,
            network=identity.network,
            data=identity.data,
        )

    def _report_known(self, group: ChannelGroup) -> None:
        for ratio in self._losses.get(group.name, {}):
            self._report(group, ratio)

    def _report(self, group: ChannelGroup, ratio: float) -> None:
        loss = self._losses[group.name][ratio]
        self._reporter.metric(f"sensitivity/{group.name}", round(100 * ratio), loss)

    def _show_progress(self, groups_before: int, ratio: float) -> None:
        total = len(self._groups) * len(self._ratios)
        done = groups_before * len(self._ratios) + self._ratios.index(ratio)
        eta_s = None
        if self._measured:
            left = sum(len(self._missing(group)) for group in self._groups)
            eta_s = left * (time.monotonic() - self._started) / self._measured
        self._reporter.progress(done, total, stage="sensitivity", eta_s=eta_s)


@contextmanager
def _pruned(net: nn.Layer, group: ChannelGroup, scores: Scores, ratio: float) -> Iterator[None]:
    with mask_channels(net, [group], {group.name: lowest(scores, ratio)}):
        yield


def _bound(losses: Mapping[float, float], ratio: float) -> float | None:
    """The loss to assume at ``ratio`` where a smaller one was hopeless; None to measure it."""
    below = [known for known in losses if known < ratio]
    if not below or losses[max(below)] < HOPELESS:
        return None
    last = max(below)
    return losses[last] + (1 - losses[last]) * (ratio - last) / (1 - last)


def _checked_ratios(ratios: Sequence[float]) -> list[float]:
    rounded = sorted({round(float(ratio), 4) for ratio in ratios})
    if not rounded or not all(0 < ratio < 1 for ratio in rounded):
        raise InputError(
            "The ratios {ratios} cannot be pruned: give numbers between 0 and 1.",
            ratios=", ".join(str(ratio) for ratio in ratios),
        )
    return rounded


def _choose(
    groups: Sequence[ChannelGroup], names: Sequence[str] | None
) -> tuple[ChannelGroup, ...]:
    groups = [group for group in groups if group.width > 1]
    if names is None:
        return tuple(groups)
    known = {group.name for group in groups}
    for name in names:
        if name not in known:
            raise InputError(
                "The network has no group of channels {name}; leave the choice out to analyse "
                "all groups.",
                name=name,
            )
    return tuple(group for group in groups if group.name in set(names))


def _continued(file: Path, identity: Sensitivities, reporter: Reporter) -> Sensitivities:
    """What an interrupted analysis of the same kind left; a file of another kind is kept."""
    if not file.exists():
        return identity
    try:
        found = read_sensitivities(file)
    except InputError:
        found = None
    if found is not None and _key(found) == _key(identity):
        return found
    number = 1
    while (kept := file.with_name(f"model.sensi.previous_{number}.data")).exists():
        number += 1
    file.rename(kept)
    reporter.warn(
        message(
            "{file} was of another model, data or settings; it is now {kept}, and the analysis "
            "begins anew.",
            file=file,
            kept=kept.name,
        )
    )
    return identity


def _key(found: Sensitivities) -> tuple[Any, ...]:
    return (found.criterion, found.fast, found.network, found.data)


def hash_network(net: nn.Layer) -> str:
    """SHA-256 of a network's weights, statistics and their names."""
    digest = hashlib.sha256()
    for name, value in net.state_dict().items():
        array = value.numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def hash_data(
    dataset: SegDataset, transforms: Compose, *, check: Callable[[], None] = lambda: None
) -> str:
    """SHA-256 of what a measurement depends on: images, masks, classes and preprocessing.

    Where the files are does not matter.
    """
    digest = hashlib.sha256(repr((dataset.labels, transforms.to_list())).encode())
    for index in range(len(dataset)):
        check()
        for path in dataset.raw(index):
            with Path(path).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
