from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import compression_samples as samples
import numpy as np
import paddle
import pytest
import tiny_dataset
from scipy.stats import spearmanr
from sensitivity_samples import ORACLE, data, folder, model

from core.compression.sensitivity import analysis as sensitivity
from core.compression.sensitivity.analysis import analyze
from core.compression.sensitivity.evaluation_subset import choose_images, choose_rows
from core.compression.sensitivity.fast_evaluation import FastEvaluation
from core.compression.sensitivity.sensitivity_file import FILE_NAME, read_sensitivities
from core.system.errors import InputError
from core.system.reporting import StopRequested

__all__ = ["data", "folder", "model"]

GROUPS = (
    "learning_to_downsample.dsconv_bn_relu2.piontwise_conv._conv.weight",
    "global_feature_extractor.bottleneck2.0.block.2._conv.weight",
    "feature_fusion.conv_low_res._conv.weight",
)
TAKES = 0.02  # a few pixels of another machine's rounding


def test_losses_are_those_of_paddleslim(model, data, tmp_path):
    weights = {name: value.numpy() for name, value in model.net.state_dict().items()}
    found = analyze(model, data, save_dir=tmp_path / "敏感度", groups=GROUPS)

    assert found.baseline == pytest.approx(1.0)
    assert set(found.losses) == set(GROUPS)
    for name, losses in found.losses.items():
        assert list(losses) == [round(0.1 * step, 1) for step in range(1, 10)]
        for ratio, loss in losses.items():
            assert loss == pytest.approx(ORACLE[name][str(ratio)], abs=TAKES)
    assert read_sensitivities(tmp_path / "敏感度") == found
    for name, value in model.net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name])


def test_fast_losses_are_the_same_where_they_are_measured(model, data, tmp_path):
    recorder = tiny_dataset.Recorder()
    found = analyze(model, data, save_dir=tmp_path, groups=GROUPS, fast=True, reporter=recorder)

    assert found.fast and found.images == len(data)
    assert any(found.bounds.values())
    for name, losses in found.losses.items():
        hopeless = False
        last = 0.0
        for ratio in sorted(losses):
            bounded = ratio in found.bounds.get(name, ())
            assert bounded == hopeless
            if bounded:
                assert last < losses[ratio] < 1
            else:
                assert losses[ratio] == pytest.approx(ORACLE[name][str(ratio)], abs=TAKES)
                hopeless = losses[ratio] >= sensitivity.HOPELESS
            last = losses[ratio]
        told = recorder.metrics[f"sensitivity/{name}"]
        assert told == [(round(100 * ratio), losses[ratio]) for ratio in sorted(losses)]
    steps = [entry["step"] for entry in recorder.progresses]
    assert steps == sorted(steps)
    assert steps[-1] == recorder.progresses[-1]["steps"] == 27
    assert recorder.progresses[-2]["eta_s"] > 0


def test_the_part_that_a_group_does_not_change_is_computed_once(model, data):
    # A late group: nearly all of the network is its trunk.
    name = "classifier.dsconv1.piontwise_conv._conv.weight"
    readers = frozenset({"classifier.dsconv2.piontwise_conv._conv"})
    (group,) = [g for g in sensitivity.analyzable_groups(model.net) if g.name == name]
    counts = {"trunk": 0, "rest": 0}

    def counted(key):
        def hook(*_):
            counts[key] += 1

        return hook

    hooks = [
        layer.register_forward_post_hook(counted(key))
        for key, layer in (
            ("trunk", model.net.global_feature_extractor.bottleneck1[0].block[0]._conv),
            ("rest", model.net.classifier.conv),
        )
    ]
    mious = {}
    trunks = {}
    try:
        for cache_bytes in (2**30, 0):
            fast = FastEvaluation(
                model.net,
                data,
                data.transforms,
                indices=range(len(data)),
                batch_size=2,
                check=lambda: None,
                cache_bytes=cache_bytes,
            )
            whole = fast.miou()
            counts.update(trunk=0, rest=0)
            mious[cache_bytes] = [whole]
            for ratio in (0.2, 0.5, 0.8):
                scores = sensitivity.score_group(model.net, group, "l1_norm")
                drop = {name: sensitivity.lowest(scores, ratio)}
                with sensitivity.mask_channels(model.net, [group], drop):
                    mious[cache_bytes].append(fast.miou(readers))
                    expected = model.evaluate(data)["miou"]
                assert mious[cache_bytes][-1] == pytest.approx(expected, abs=2e-3)
            trunks[cache_bytes] = dict(counts)
    finally:
        for hook in hooks:
            hook.remove()
    evaluations = 3 * len(data)  # by model.evaluate, which computes everything
    assert trunks[2**30] == {"trunk": 2 + evaluations, "rest": 6 + evaluations}
    assert trunks[0] == {"trunk": 6 + evaluations, "rest": 6 + evaluations}
    assert mious[2**30] == mious[0]
    assert mious[0][0] > mious[0][3]


@pytest.mark.parametrize("name", ["UNet", "BiSeNetV2", "HRNet", "DeepLabV3P", "EfficientNetFPN"])
def test_a_partial_forward_computes_what_the_network_computes(name):
    from core import seg
    from core.compression.sensitivity.partial_forward import PartialForward

    options = {"width": 18} if name == "HRNet" else {}
    net = getattr(seg, name)(num_classes=3, **options).net
    samples.draw_weights(net)
    net.eval()
    groups = sensitivity.analyzable_groups(net)
    group = groups[len(groups) // 2]
    image = paddle.randn([1, 3, 65, 97])
    partial = PartialForward(net, (65, 97))
    plan = partial.plan({member.path for member in group.members if member.side == "in"})
    assert plan.trunk and plan.rest
    with paddle.no_grad():
        frontier = partial.run(plan.trunk, {partial.input: image}, keep=plan.frontier)
        drop = {group.name: np.arange(group.width // 2)}
        with sensitivity.mask_channels(net, [group], drop):
            logits = partial.run(plan.rest, frontier, keep=(partial.logits,))[partial.logits]
            expected = net(image)[0]
        unpruned = net(image)[0]
    scale = np.abs(expected.numpy()).max()
    assert np.abs(logits.numpy() - expected.numpy()).max() < 1e-4 * scale
    assert np.abs(unpruned.numpy() - expected.numpy()).max() > 1e-2 * scale


def test_the_fast_ranking_of_groups_agrees_with_the_full_one(model, tmp_path):
    folder = samples.write_predicted_folder(tmp_path / "many", model, images_count=40)
    data = tiny_dataset.dataset(folder, "val")
    full = analyze(model, data, save_dir=tmp_path / "full", ratios=[0.2])
    fast = analyze(model, data, save_dir=tmp_path / "fast", ratios=[0.2], fast=True)
    assert full.images == 40
    assert fast.images == 24
    assert list(full.losses) == list(fast.losses)
    assert len(full.losses) >= 20
    pairs = [(full.losses[name][0.2], fast.losses[name][0.2]) for name in full.losses]
    assert spearmanr(*zip(*pairs, strict=True)).statistic > 0.8


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
import compression_samples, tiny_dataset
from core.compression.sensitivity import analysis as sensitivity
model = compression_samples.make_model("FastSCNN")
data = tiny_dataset.dataset(__import__("pathlib").Path(sys.argv[1]), "val")
written = 0
write = sensitivity.write_sensitivities
def dying(*args):
    global written
    write(*args)
    written += 1
    if written == 4:
        os.kill(os.getpid(), signal.SIGKILL)
sensitivity.write_sensitivities = dying
sensitivity.analyze(model, data, save_dir=sys.argv[2], groups={groups!r}, ratios=[0.2, 0.5, 0.8])
"""


@pytest.mark.skipif(os.name == "nt", reason="no kill -9")
def test_a_killed_analysis_goes_on_where_it_was(model, data, folder, tmp_path):
    root = Path(__file__).parents[4]
    paths = [str(root), str(root / "tests" / "support")]
    script = KILLED.format(paths=paths, groups=GROUPS)
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(tmp_path)], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    left = read_sensitivities(tmp_path)
    assert sum(map(len, left.losses.values())) == 4

    recorder = tiny_dataset.Recorder()
    options = {"groups": GROUPS, "ratios": [0.2, 0.5, 0.8]}
    found = analyze(model, data, save_dir=tmp_path, reporter=recorder, **options)
    whole = analyze(model, data, save_dir=tmp_path / "whole", **options)
    assert found == whole
    assert not recorder.warnings
    # The reporter, and so the window, learns of all points, and only the missing ones are measured.
    assert sum(map(len, recorder.metrics.values())) == 9
    assert [entry["step"] for entry in recorder.progresses] == [0, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("fast", [False, True])
def test_a_stopped_analysis_goes_on(model, data, tmp_path, fast):
    options = {"groups": GROUPS[:2], "ratios": [0.3, 0.6], "fast": fast, "save_dir": tmp_path}
    counted = tiny_dataset.Recorder()
    whole = analyze(model, data, **{**options, "save_dir": tmp_path / "w"}, reporter=counted)
    for stop_at in range(1, counted.checks, 5):
        with pytest.raises(StopRequested):
            analyze(model, data, **options, reporter=tiny_dataset.Recorder(stop_at=stop_at))
        if (tmp_path / FILE_NAME).exists():
            part = read_sensitivities(tmp_path)
            for name, losses in part.losses.items():
                assert losses.items() <= whole.losses[name].items()
            break
    assert analyze(model, data, **options) == whole
    model.net.eval()


def test_a_file_of_other_weights_or_settings_is_kept_aside(data, tmp_path):
    model = samples.make_model("FastSCNN")
    options = {"groups": GROUPS[:1], "ratios": [0.5], "save_dir": tmp_path}
    first = analyze(model, data, **options)
    before = (tmp_path / FILE_NAME).read_bytes()
    recorder = tiny_dataset.Recorder()
    assert analyze(model, data, **options, criterion="fpgm", reporter=recorder) != first
    assert "model.sensi.previous_1.data" in recorder.warnings[0]
    assert (tmp_path / "model.sensi.previous_1.data").read_bytes() == before

    with paddle.no_grad():
        model.net.classifier.conv.bias.set_value(model.net.classifier.conv.bias + 1.0)
    with pytest.warns(UserWarning, match="previous_2"):
        analyze(model, data, **options, criterion="fpgm")
    (tmp_path / FILE_NAME).write_bytes(b"{damaged")
    with pytest.warns(UserWarning, match="previous_3"):
        analyze(model, data, **options)
    assert (tmp_path / "model.sensi.previous_3.data").read_bytes() == b"{damaged"


def test_changed_masks_make_another_data_set(folder, data, tmp_path):
    changed = samples.tiny_dataset.write_folder(tmp_path / "other")
    other = tiny_dataset.dataset(changed, "val")
    assert sensitivity.hash_data(data, data.transforms) == sensitivity.hash_data(
        tiny_dataset.dataset(folder, "val"), data.transforms
    )
    assert sensitivity.hash_data(data, data.transforms) != sensitivity.hash_data(
        other, data.transforms
    )
    larger = tiny_dataset.dataset(folder, "val", size=96).transforms
    assert sensitivity.hash_data(data, data.transforms) != sensitivity.hash_data(data, larger)


def test_bad_arguments_are_refused_before_anything_is_measured(model, data, tmp_path):
    for options, words in (
        ({"criterion": "random"}, "no criterion random"),
        ({"ratios": [0.5, 1.0]}, "between 0 and 1"),
        ({"groups": ["cls.weight"]}, "no group of channels cls.weight"),
    ):
        with pytest.raises(InputError, match=words):
            analyze(model, data, save_dir=tmp_path, **options)
    data.transforms = None
    with pytest.raises(InputError, match="give the evaluation set transforms"):
        analyze(model, data, save_dir=tmp_path)
    assert not any(tmp_path.iterdir())


def test_auxiliary_heads_are_not_analysed():
    from core import seg

    net = seg.BiSeNetV2(num_classes=3).net
    names = [group.name for group in sensitivity.analyzable_groups(net)]
    assert any(name.startswith("sb.stage3") for name in names)
    assert any(name.startswith("head.") for name in names)
    assert not any(name.startswith("aux_head") for name in names)


# The images that fast uses.


def test_every_class_is_among_the_images_chosen():
    rng = np.random.default_rng(3)
    present = np.zeros((400, 6), bool)
    present[:, 0] = True
    present[:, 1] = rng.random(400) < 0.5
    present[:, 2] = rng.random(400) < 0.1
    present[[17, 390], 3] = True
    present[250, 4] = True  # class 5 occurs nowhere
    rows = choose_rows(present, 24)
    assert len(rows) == len(set(rows)) == 24
    assert rows[0] == 250
    assert {17, 390} <= set(rows)
    assert present[rows, 2].sum() >= 2
    assert present[rows].any(axis=0).tolist() == [True] * 5 + [False]
    assert rows == choose_rows(present.copy(), 24)
    assert max(rows) - min(rows) > 300


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_as_many_images_are_chosen_as_asked_for(count):
    present = np.random.default_rng(count).random((50, 4)) < 0.4
    rows = choose_rows(present, count)
    assert len(rows) == len(set(rows)) == count


def test_images_are_chosen_by_their_masks(folder):
    data = tiny_dataset.dataset(folder, "train")
    chosen = choose_images(data, 3)
    assert len(chosen) == 3
    classes = set().union(*(np.unique(data.read_mask(index)).tolist() for index in chosen))
    assert {0, 1, 2} <= classes
    assert choose_images(data, 100) == list(range(len(data)))
