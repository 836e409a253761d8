"""What a slider shows of a pruning before there is one: losses, channels, operations."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from flops_counting import count_flops

from core.compression.pruning.costs import (
    COSTS_FILE,
    LayerCost,
    PruningCosts,
    read_costs,
    write_costs,
)
from core.compression.pruning.estimate import LossCurve, estimate_pruning
from core.system.errors import InputError

RATIOS = np.arange(1, 10) / 10


def curve(*losses: float) -> LossCurve:
    return LossCurve(RATIOS[: len(losses)], np.array(losses))


@pytest.fixture
def costs() -> PruningCosts:
    return PruningCosts(
        {"dear": 10, "cheap": 10},
        (
            LayerCost(100.0, {"dear": 1.0}, {}),
            LayerCost(300.0, {"cheap": 0.5}, {"dear": 1.0}),
        ),
    )


def test_losses_are_read_between_the_points_from_the_origin_on() -> None:
    line = curve(0.1, 0.3)
    assert line.loss_at(0.0) == 0.0
    assert line.loss_at(0.05) == pytest.approx(0.05)
    assert line.loss_at(0.15) == pytest.approx(0.2)
    assert math.isnan(line.loss_at(0.25))
    assert line.slope == pytest.approx((0.1 * 0.1 + 0.2 * 0.3) / (0.1**2 + 0.2**2))


def test_points_without_a_value_are_left_out() -> None:
    assert curve(0.1, math.nan, 0.3).loss_at(0.2) == pytest.approx(0.2)
    assert math.isnan(curve(math.nan).loss_at(0.1))
    assert curve(math.nan).ratio_at(1.0) == 0.0


@pytest.mark.parametrize("bound", [-0.2, -0.1, 0.0, 0.05, 0.2, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("losses", [(0.1, 0.3, 0.05, 0.6), (-0.1, 0.1), (0.2,)])
def test_the_largest_share_is_the_one_that_pruning_takes(losses, bound) -> None:
    from core.compression.pruning.plan import ratio_within

    line = curve(*losses)
    points = dict(zip(line.ratios.tolist(), losses, strict=True))
    assert line.ratio_at(bound) == pytest.approx(ratio_within(points, bound))


def test_operations_go_with_what_a_layer_makes_and_reads(costs: PruningCosts) -> None:
    assert costs.removed({}) == 0.0
    assert costs.removed({"dear": 0.5}) == pytest.approx(0.5)
    half_of_half = 1 - (100 + 300 * 0.75) / 400
    assert costs.removed({"cheap": 0.5}) == pytest.approx(half_of_half)
    assert costs.removed({"dear": 0.5, "cheap": 0.5}) == pytest.approx(
        1 - (50 + 300 * 0.5 * 0.75) / 400
    )


def test_the_estimate_reaches_the_share_and_takes_where_it_costs_least(
    costs: PruningCosts,
) -> None:
    curves = {"dear": curve(*RATIOS), "cheap": curve(*(0.1 * RATIOS))}
    found = estimate_pruning(curves, costs, 0.6)
    assert found.flops == pytest.approx(0.6, abs=1e-6)
    assert found.ratios["cheap"] > found.ratios["dear"] > 0
    dear = curves["dear"].loss_at(found.ratios["dear"])
    cheap = curves["cheap"].loss_at(found.ratios["cheap"])
    assert found.worst_loss == pytest.approx(max(dear, cheap))
    assert found.loss == pytest.approx(1 - (1 - dear) * (1 - cheap))


def test_an_estimate_that_cannot_be_reached_says_how_far_it_gets(costs: PruningCosts) -> None:
    found = estimate_pruning({"dear": curve(0.1, 0.2)}, costs, 0.8)
    assert found.ratios == {"dear": pytest.approx(0.2)}
    assert found.flops == pytest.approx(0.2)
    assert estimate_pruning({}, costs, 0.8).flops == 0.0


def test_where_nothing_costs_anything_no_more_goes_than_asked_for(costs: PruningCosts) -> None:
    curves = {"dear": curve(*(0 * RATIOS)), "cheap": curve(*(0 * RATIOS))}
    found = estimate_pruning(curves, costs, 0.3)
    assert found.flops == pytest.approx(0.3, abs=1e-6)
    assert found.loss == pytest.approx(0.0, abs=1e-6)


def test_one_channel_always_stays(costs: PruningCosts) -> None:
    assert costs.gone({"dear": 0.99, "cheap": 0.14}) == {"dear": 9, "cheap": 1}


def test_costs_survive_a_file(costs: PruningCosts, tmp_path) -> None:
    folder = tmp_path / "分析 1"
    folder.mkdir()
    assert write_costs(folder, costs) == folder / COSTS_FILE
    assert read_costs(folder) == costs


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"widths": {"a": 0}, "layers": []}',
        b'{"widths": {}, "layers": [{"flops": -1, "made": {}, "read": {}}]}',
        b'{"widths": {}, "layers": [{"flops": 1, "made": {"a": 7}, "read": {}}]}',
    ],
)
def test_a_damaged_file_is_named(tmp_path, content) -> None:
    (tmp_path / COSTS_FILE).write_bytes(content)
    with pytest.raises(InputError, match=COSTS_FILE):
        read_costs(tmp_path)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="analyse the sensitivity again"):
        read_costs(tmp_path)


def test_no_engine_is_needed() -> None:
    script = (
        "import sys, core.compression.pruning.estimate, core.project.variants;"
        "sys.exit(bool({'paddle', 'scipy', 'pandas', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("name", ["FastSCNN", "BiSeNetV2"])
def test_the_costs_of_a_network_tell_its_operations_with_any_channels_gone(name) -> None:
    from core.compression.channel_groups import find_groups
    from core.compression.flops import FlopsModel
    from core.compression.pruning.layer_costs import pruning_costs
    from core.compression.trace import trace
    from core.seg import create

    net, size = create(name, seed=0, num_classes=3).net, (64, 96)
    table = pruning_costs(net, size)
    assert sum(layer.flops for layer in table.layers) == pytest.approx(count_flops(net, size))
    groups = find_groups(net)
    assert table.widths == {group.name: group.width for group in groups}
    dropped = np.array([group.width // (2 + i % 3) for i, group in enumerate(groups)])
    ratios = {group.name: n / group.width for group, n in zip(groups, dropped, strict=True)}
    model = FlopsModel(trace(net, size).deployed(), groups)
    left = model.count(dropped) / model.count(0 * dropped)
    assert table.removed(ratios) == pytest.approx(1 - left)
