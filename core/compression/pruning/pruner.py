"""Pruning a model: which channels are worth least, take them out, keep a record of it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Final

from core.compression.criteria import check_criterion, score_group
from core.compression.flops import count_parameters
from core.compression.pruning.plan import plan_by_sensitivity, plan_global
from core.compression.pruning.widths import shapes_of
from core.compression.sensitivity.analysis import analyzable_groups, hash_network, ranking_names
from core.compression.sensitivity.sensitivity_file import Sensitivities, read_sensitivities
from core.compression.slicing import slice_channels
from core.models.compression_records import PruningRecord, check_prunable
from core.models.model_folder import usual_input_size
from core.models.trainable import TrainableModel
from core.system.errors import InputError
from core.system.messages import Message, message
from core.system.reporting import Reporter
from core.training.console_reporter import ConsoleReporter

STRATEGIES: Final = ("auto", "global", "sensitivity")

#: Channels that ONNX Runtime computes at once on processors with AVX-512; others take 4 or 8.
#: With odd numbers a pruned network can be slower than the whole one.
_MULTIPLE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneResult:
    """What a pruning took away.

    Attributes:
        flops_before: operations for one image, multiply-adds counted once.
        flops_after: the same for the pruned network.
        parameters_before: numbers that training changes.
        parameters_after: the same for the pruned network.
        strategy: ``"global"`` or ``"sensitivity"``.
        criterion: how channels were ranked.
        channels: group name → channels that went, groups that lost some only.
        missed: why the share asked for was not reached within a hundredth; None if it was.
    """

    flops_before: int
    flops_after: int
    parameters_before: int
    parameters_after: int
    strategy: str
    criterion: str
    channels: dict[str, int]
    missed: Message | None


def prune(
    model: TrainableModel,
    pruned_flops: float,
    *,
    strategy: str = "auto",
    criterion: str | None = None,
    sensitivities: Sensitivities | str | Path | None = None,
    image_size: tuple[int, int] | None = None,
    usual_size: tuple[int, int] | None = None,
    reporter: Reporter | None = None,
) -> PruneResult:
    """Take channels out of ``model.net`` and record it; explained in ``Segmenter.prune``.

    Args:
        model: its ``net`` and ``pruning`` are changed.
        pruned_flops: share of the operations to take away, between 0 and 1.
        strategy: one of ``STRATEGIES``.
        criterion: ``"l1_norm"`` or ``"fpgm"``; None for that of the analysis, or the first.
        sensitivities: an analysis of this network, or where it was saved; None for none.
        image_size: (width, height) that operations are counted for; None for the size that the
            preprocessing leads to.
        usual_size: (width, height) where neither tells.
        reporter: is warned where the share is missed.

    Raises:
        InputError: the model is compressed already, there is no analysis where one is needed, or
            the arguments cannot be used.
    """
    check_prunable(model.pruning, model.quantization)
    if isinstance(pruned_flops, bool) or not isinstance(pruned_flops, Real):
        raise InputError(
            "The share of operations to prune must be a number between 0 and 1, not {share}.",
            share=repr(pruned_flops),
        )
    reporter = reporter or ConsoleReporter()
    width, height = _counted_size(model, image_size, usual_size)
    found = _analysis(model, strategy, sensitivities, reporter)
    criterion = criterion or (found.criterion if found is not None else None) or "l1_norm"
    check_criterion(criterion)
    groups = [group for group in analyzable_groups(model.net) if group.width > 1]
    scores = {group.name: score_group(model.net, group, criterion) for group in groups}
    plan = (
        plan_global(
            model.net,
            groups,
            scores=scores,
            pruned_flops=pruned_flops,
            size=(height, width),
            multiple=_MULTIPLE,
        )
        if found is None
        else plan_by_sensitivity(
            model.net,
            groups,
            scores=scores,
            losses=found.losses,
            pruned_flops=pruned_flops,
            size=(height, width),
            multiple=_MULTIPLE,
        )
    )
    if plan.missed is not None:
        reporter.warn(plan.missed)
    widths = {group.name: group.width for group in groups}
    channels = {name: len(atoms) for name, atoms in plan.drop.items()}
    full, parameters = shapes_of(model.net), count_parameters(model.net)
    slice_channels(model.net, groups, plan.drop)
    record = PruningRecord(
        criterion=criterion,
        strategy="global" if found is None else "sensitivity",
        flops_before=plan.flops_before,
        flops_after=plan.flops_after,
        parameters_before=parameters,
        parameters_after=count_parameters(model.net),
        image_size=(width, height),
        ratios={name: count / widths[name] for name, count in channels.items()},
        shapes={n: shape for n, shape in shapes_of(model.net).items() if shape != full[n]},
    )
    model.pruning = record
    return PruneResult(
        flops_before=record.flops_before,
        flops_after=record.flops_after,
        parameters_before=record.parameters_before,
        parameters_after=record.parameters_after,
        strategy=record.strategy,
        criterion=criterion,
        channels=channels,
        missed=plan.missed,
    )


def _counted_size(
    model: TrainableModel,
    image_size: tuple[int, int] | None,
    usual_size: tuple[int, int] | None,
) -> tuple[int, int]:
    """Return the (width, height) that operations are counted for."""
    if image_size is None and model.test_transforms is not None:
        image_size = usual_input_size(model.test_transforms.to_list())
    size = image_size or usual_size
    if size is None:
        raise InputError(
            "The model's preprocessing does not tell the size of its images: pass image_size."
        )
    return size


def _analysis(
    model: TrainableModel,
    strategy: str,
    source: Sensitivities | str | Path | None,
    reporter: Reporter,
) -> Sensitivities | None:
    """Return the analysis that ``strategy`` prunes by; None for the global strategy."""
    if strategy not in STRATEGIES:
        raise InputError(
            "There is no pruning strategy {strategy}: choose one of {known}.",
            strategy=strategy,
            known=", ".join(STRATEGIES),
        )
    if strategy == "global":
        return None
    if source is None and strategy == "sensitivity":
        raise InputError(
            "There is no sensitivity analysis to prune by: call analyze_sensitivity first, or "
            "choose the strategy global."
        )
    if source is None or isinstance(source, Sensitivities):
        return source
    found = read_sensitivities(source, names=ranking_names(model.net))
    if not found.losses.keys() & {group.name for group in analyzable_groups(model.net)}:
        raise InputError("{file} is an analysis of another network; analyse this one.", file=source)
    if found.network not in (None, hash_network(model.net)):
        reporter.warn(
            message("{file} was measured with other weights than the model has now.", file=source)
        )
    return found
