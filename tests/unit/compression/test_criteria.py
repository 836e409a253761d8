from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import compression_samples as samples
import network_formulas
import numpy as np
import paddle
import pytest

from core import seg
from core.compression.channel_groups import find_groups
from core.compression.criteria import fpgm, l1_norm, lowest, master_name, score_group
from core.compression.flops import flops_of
from core.compression.slicing import slice_channels
from core.compression.trace import trace
from core.system.errors import InputError

ORACLE = json.loads(
    (Path(__file__).parents[2] / "data" / "paddleslim_oracle.json").read_text(encoding="utf-8")
)


def groups_by_master(net):
    return {master_name(net, group): group for group in find_groups(net)}


def convolutions(net, group):
    layers = dict(net.named_sublayers())
    makers = (member.path for member in group.members if member.side == "out")
    return sorted(f"{path}.weight" for path in makers if isinstance(layers[path], paddle.nn.Conv2D))


def flops(net):
    """As PaddleSlim counts: with the auxiliary head that Fast-SCNN computes for nothing."""
    found = trace(net, samples.SIZE)
    return flops_of(found)


@pytest.mark.parametrize("name", samples.NETWORKS)
def test_the_same_filters_go_as_with_paddleslim(name):
    net = samples.make_model(name).net
    found = groups_by_master(net)
    expected = ORACLE["networks"][name]["groups"]
    assert len(expected) >= 10
    for master, known in expected.items():
        group = found[master]
        assert group.width == known["width"]
        assert convolutions(net, group) == known["convs"]
        for criterion in ("l1_norm", "fpgm"):
            scores = score_group(net, group, criterion)
            for ratio, bits in known[criterion].items():
                gone = np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8))
                np.testing.assert_array_equal(
                    lowest(scores, float(ratio)), np.flatnonzero(gone), f"{master} {ratio}"
                )


@pytest.mark.parametrize(
    ("name", "known"),
    [
        pytest.param(name, known, id=f"{name}-{known['criterion']}")
        for name, network in ORACLE["networks"].items()
        for known in network["pruned"]
    ],
)
def test_the_pruned_network_is_the_one_that_paddleslim_makes(name, known):
    net = samples.make_model(name).net
    found = groups_by_master(net)
    groups = [found[master] for master in ORACLE["networks"][name]["groups"]]
    assert flops(net) == ORACLE["networks"][name]["flops"]["all"]
    drop = {
        group.name: lowest(score_group(net, group, known["criterion"]), known["ratio"])
        for group in groups
    }
    slice_channels(net, groups, drop)

    parameters = dict(net.named_parameters())
    assert network_formulas.digest(parameters) == known["shapes"]
    assert sum(int(value.size) for value in parameters.values()) == known["parameters"]
    assert flops(net) == known["flops"]["all"]
    net.eval()
    with paddle.no_grad():
        logits = net(paddle.to_tensor(network_formulas.image((1, *samples.SIZE))))[0].numpy()
    described = network_formulas.describe(logits)
    assert described["shape"] == known["logits"]["shape"]
    scale = known["logits"]["absolute_sum"] / logits.size
    np.testing.assert_allclose(
        described["samples"], known["logits"]["samples"], atol=1e-3 * scale, rtol=0
    )


def test_scores_order_filters_as_paddleslims_own_pruners_do(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # it replaces it
        from paddleslim.dygraph import FPGMFilterPruner, L1NormFilterPruner
    monkeypatch.setattr(np, "product", np.prod, raising=False)  # gone from NumPy 2
    rng = np.random.default_rng(7)
    for shape in ((8, 3, 3, 3), (33, 16, 1, 1), (64, 20, 3, 3)):
        kernels = rng.normal(size=shape).astype(np.float32)
        kernels *= rng.uniform(0.2, 1.5, (shape[0], 1, 1, 1)).astype(np.float32)
        collection = SimpleNamespace(
            master_name="w", master_axis=0, values={"w": kernels}, all_pruning_details=list
        )
        for pruner, criterion in ((L1NormFilterPruner, l1_norm), (FPGMFilterPruner, fpgm)):
            for ratio in (0.05, 0.25, 0.5, 0.9, 0.99):
                mask = pruner.__new__(pruner).cal_mask(ratio, collection)
                np.testing.assert_array_equal(
                    lowest(criterion(kernels), ratio), np.flatnonzero(mask == 0)
                )


def test_fpgm_is_the_sum_of_distances():
    kernels = np.random.default_rng(1).normal(size=(12, 4, 3, 3)).astype(np.float32)
    kernels[5] = kernels[2]
    rows = kernels.reshape(12, -1).astype(np.float64)
    expected = [sum(np.linalg.norm(a - b) for b in rows) for a in rows]
    np.testing.assert_allclose(fpgm(kernels), expected, rtol=1e-6)


def test_lowest_never_takes_all_and_rounds_as_paddleslim():
    scores = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    assert lowest(scores, 0.0).tolist() == []
    assert lowest(scores, 0.29).tolist() == [1]
    assert lowest(scores, 0.5).tolist() == [1, 2]  # 2.5 rounds to the even number
    assert lowest(scores, 1.0).tolist() == [0, 1, 2, 4]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("BiSeNetV2", {}),
        ("HRNet", {"width": 18}),
        ("UNet", {"use_deconv": True}),
    ],
)
def test_groups_that_paddleslim_cannot_prune_are_ranked_too(name, options):
    net = getattr(seg, name)(num_classes=3, **options).net
    samples.draw_weights(net)
    layers = dict(net.named_sublayers())
    for group in find_groups(net):
        scores = score_group(net, group, "l1_norm")
        assert scores.shape == (group.width,)
        master = layers[master_name(net, group).removesuffix(".weight")]
        assert master._groups == 1
        axis = (0, 2, 3) if isinstance(master, paddle.nn.Conv2DTranspose) else (1, 2, 3)
        filters = np.abs(master.weight.numpy()).mean(axis=axis)
        member = next(m for m in group.members if m.side == "out" and layers[m.path] is master)
        np.testing.assert_allclose(scores, filters[member.channels].mean(axis=1), rtol=1e-6)


def test_an_unknown_criterion_is_refused():
    net = seg.FastSCNN(num_classes=2).net
    with pytest.raises(InputError, match=r"geometric.*l1_norm, fpgm"):
        score_group(net, find_groups(net)[0], "geometric")
