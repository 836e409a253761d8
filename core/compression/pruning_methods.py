"""Sensitivity analysis and pruning, under PaddleX's names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.compression.criteria import check_criterion, score_group
from core.compression.flops import count_parameters
from core.compression.pruning import plan_by_sensitivity, plan_global, shapes_of, slice_channels
from core.compression.sensitivity import analyzable_groups, analyze, hash_network, ranking_names
from core.compression.sensitivity_file import Sensitivities, read_sensitivities
from core.models.compression_records import PruningRecord, check_prunable
from core.models.model_folder import network_input_size
from core.seg.segmenter_base import SegmenterBase, first_image_size
from core.system.errors import InputError
from core.system.messages import Message, message
from core.system.reporting import Reporter
from core.training.console_reporter import ConsoleReporter

if TYPE_CHECKING:
    from core.datasets import SegDataset

_STRATEGIES = ("auto", "global", "sensitivity")

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


class PruningMethods(SegmenterBase):
    """Part of ``Segmenter``: sensitivity analysis and pruning.

    Attributes:
        sensitivities: what ``analyze_sensitivity`` found, for ``prune``; None before.
    """

    sensitivities: Sensitivities | None = None
    _analyzed_size: tuple[int, int] | None = None

    def analyze_sensitivity(
        self,
        dataset: SegDataset,
        batch_size: int = 8,
        criterion: str = "l1_norm",
        save_dir: str | Path = "output",
        *,
        fast: bool = False,
        reporter: Reporter | None = None,
        device: str | None = None,
    ) -> Sensitivities:
        """Measure how much mIoU each group of channels costs at each ratio; ``prune`` uses it.

        ``save_dir/model.sensi.data`` is written after each measurement; an interrupted analysis
        goes on where it was.

        Args:
            dataset: images with masks.
            batch_size: images computed at once.
            criterion: how channels are ranked: ``"l1_norm"`` or ``"fpgm"``.
            save_dir: where the file goes.
            fast: use a part of the images; see ``core.compression.sensitivity.analyze``.
            reporter: is told of progress and may stop the work.
            device: as in ``train``.

        Raises:
            InputError: the model is compressed already, or the data cannot be used.
            StopRequested: the reporter asked to stop; call again to go on.
        """
        check_prunable(self.pruning, self.quantization)
        self._check_classes(dataset)
        self._use_device(device)
        self.sensitivities = analyze(
            self,
            dataset,
            batch_size=batch_size,
            criterion=criterion,
            save_dir=save_dir,
            fast=fast,
            reporter=reporter,
        )
        if dataset.transforms is not None:
            self._analyzed_size = first_image_size(dataset)
        return self.sensitivities

    def prune(
        self,
        pruned_flops: float,
        save_dir: str | Path | None = None,
        *,
        strategy: Literal["auto", "global", "sensitivity"] = "auto",
        criterion: str | None = None,
        sensitivities: str | Path | None = None,
        image_size: tuple[int, int] | None = None,
        reporter: Reporter | None = None,
    ) -> PruneResult:
        """Take channels out of the network until a share of its operations is gone.

        Afterwards train on: ``train(..., pretrain_weights=None)``.

        Args:
            pruned_flops: share of the operations to take away, between 0 and 1.
            save_dir: where to save the pruned model; None does not save it.
            strategy: ``"sensitivity"``: each group loses what a common bound on its measured loss
                allows, as in PaddleX; ``"global"``: the channels with the lowest scores of the
                whole network go; ``"auto"``: the first where there is an analysis, else the
                second.
            criterion: how channels are ranked, ``"l1_norm"`` or ``"fpgm"``; None for that of the
                analysis, or ``"l1_norm"``.
            sensitivities: ``model.sensi.data`` of an analysis of this model, or its folder; None
                for the one made with ``analyze_sensitivity`` before.
            image_size: (width, height) that operations are counted for; None for the size that
                the preprocessing leads to.
            reporter: is warned where the share is missed.

        Raises:
            InputError: the model is compressed already, there is no analysis where one is
                needed, or the arguments cannot be used.
        """
        check_prunable(self.pruning, self.quantization)
        reporter = reporter or ConsoleReporter()
        width, height = self._counted_size(image_size)
        found = self._known_sensitivities(strategy, sensitivities, reporter)
        criterion = criterion or (found.criterion if found is not None else None) or "l1_norm"
        check_criterion(criterion)
        groups = [group for group in analyzable_groups(self.net) if group.width > 1]
        scores = {group.name: score_group(self.net, group, criterion) for group in groups}
        plan = (
            plan_global(
                self.net,
                groups,
                scores=scores,
                pruned_flops=pruned_flops,
                size=(height, width),
                multiple=_MULTIPLE,
            )
            if found is None
            else plan_by_sensitivity(
                self.net,
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
        full, parameters = shapes_of(self.net), count_parameters(self.net)
        slice_channels(self.net, groups, plan.drop)
        self.sensitivities = None  # of a network that is no more
        self.pruning = PruningRecord(
            criterion=criterion,
            strategy="global" if found is None else "sensitivity",
            flops_before=plan.flops_before,
            flops_after=plan.flops_after,
            parameters_before=parameters,
            parameters_after=count_parameters(self.net),
            image_size=(width, height),
            ratios={name: count / widths[name] for name, count in channels.items()},
            shapes={n: shape for n, shape in shapes_of(self.net).items() if shape != full[n]},
        )
        if save_dir is not None:
            self.save_model(save_dir)
        return PruneResult(
            flops_before=plan.flops_before,
            flops_after=plan.flops_after,
            parameters_before=parameters,
            parameters_after=self.pruning.parameters_after,
            strategy=self.pruning.strategy,
            criterion=criterion,
            channels=channels,
            missed=plan.missed,
        )

    def _counted_size(self, image_size: tuple[int, int] | None) -> tuple[int, int]:
        """Return the (width, height) that operations are counted for."""
        if image_size is None and self.test_transforms is not None:
            image_size = network_input_size(self.test_transforms.to_list())
        size = image_size or self._analyzed_size
        if size is None:
            raise InputError(
                "The model's preprocessing does not tell the size of its images: pass image_size."
            )
        return size

    def _known_sensitivities(
        self, strategy: str, source: str | Path | None, reporter: Reporter
    ) -> Sensitivities | None:
        """Return the analysis that ``strategy`` prunes by; None for the global strategy."""
        if strategy not in _STRATEGIES:
            raise InputError(
                "There is no pruning strategy {strategy}: choose one of {known}.",
                strategy=strategy,
                known=", ".join(_STRATEGIES),
            )
        if strategy == "global":
            return None
        found = self.sensitivities
        if source is not None:
            found = read_sensitivities(source, names=ranking_names(self.net))
            if not found.losses.keys() & {group.name for group in analyzable_groups(self.net)}:
                raise InputError(
                    "{file} is an analysis of another network; analyse this one.", file=source
                )
            if found.network not in (None, hash_network(self.net)):
                reporter.warn(
                    message(
                        "{file} was measured with other weights than the model has now.",
                        file=source,
                    )
                )
        if found is None and strategy == "sensitivity":
            raise InputError(
                "There is no sensitivity analysis to prune by: call analyze_sensitivity first, or "
                "choose the strategy global."
            )
        return found
