from __future__ import annotations

import numpy as np
import paddle
import pytest
from flops_counting import count_flops, saved_share
from paddle import nn
from prunable_networks import CLASSES, NETWORKS, SIZE, trained_looking

from core.compression.channel_groups import find_groups
from core.compression.pruning.plan import (
    TOLERANCE,
    plan_by_sensitivity,
    plan_global,
    ratio_within,
)
from core.compression.pruning.widths import apply_shapes, shapes_of
from core.compression.slicing import mask_channels, slice_channels
from core.system.errors import InputError

FAST = ["FastSCNN", "UNet_deconv", "BiSeNetV2", "HRNet_18", "EfficientNetFPN"]
#: The two large ones are wider and deeper than others, and built as those are.
ALL = [
    pytest.param(name, marks=pytest.mark.thorough)
    if name in ("HRNet_48", "DeepLabV3P_101")
    else name
    for name in NETWORKS
]


@pytest.fixture(autouse=True)
def on_the_cpu():
    paddle.set_device("cpu")
    paddle.seed(0)


def drawn_drop(groups, seed=0):
    random = np.random.default_rng(seed)
    return {
        group.name: random.choice(group.width, int(group.width * random.uniform(0, 0.8)), False)
        for group in groups
    }


def drawn_scores(groups, seed=0):
    random = np.random.default_rng(seed)
    return {group.name: random.uniform(0.2, 1.8, group.width) for group in groups}


def drawn_losses(groups, seed=0):
    random = np.random.default_rng(seed)
    return {
        group.name: {
            n / 10: slope * n / 10 - 0.005 for n, slope in zip(range(1, 10), slopes, strict=True)
        }
        for group, slopes in (
            (group, np.sort(random.uniform(0, 0.3, 9)) * random.uniform()) for group in groups
        )
    }


def outputs(net, image):
    with paddle.no_grad():
        return [logits.numpy() for logits in net(image)]


@pytest.mark.parametrize("name", ALL)
def test_a_sliced_network_computes_what_the_masked_one_does(name):
    net = trained_looking(NETWORKS[name]())
    groups = find_groups(net)
    drop = drawn_drop(groups)
    image = paddle.randn([1, 3, *SIZE])
    before = outputs(net, image)
    with mask_channels(net, groups, drop):
        masked = outputs(net, image)
    for ours, theirs in zip(outputs(net, image), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    slice_channels(net, groups, drop)
    for ours, theirs, full in zip(outputs(net, image), masked, before, strict=True):
        scale = np.abs(theirs).max()
        assert ours.shape == (1, CLASSES, *SIZE)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale)
        assert np.abs(ours - full).max() > 1e-2 * scale
    assert not any("backup" in key for key in net.state_dict())

    # The same widths in a network of another process.
    twin = NETWORKS[name]()
    apply_shapes(twin, shapes_of(net))
    assert shapes_of(twin) == shapes_of(net)
    twin.set_state_dict(net.state_dict())
    twin.eval()
    for ours, theirs in zip(outputs(twin, image), outputs(net, image), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("name", FAST)
def test_a_sliced_network_learns(name):
    net = trained_looking(NETWORKS[name]())
    groups = find_groups(net)
    names = [parameter.name for parameter in net.parameters()]
    net.train()
    sum((logits**2).mean() for logits in net(paddle.randn([2, 3, *SIZE]))).backward()
    slice_channels(net, groups, drawn_drop(groups))
    assert [parameter.name for parameter in net.parameters()] == names
    optimizer = paddle.optimizer.Momentum(0.01, parameters=net.parameters(), weight_decay=4e-5)
    optimizer.clear_grad()
    before = {key: value.numpy() for key, value in net.state_dict().items()}
    image = paddle.randn([2, 3, *SIZE])
    for _ in range(2):
        sum((logits**2).mean() for logits in net(image)).backward()
        optimizer.step()
        for parameter in net.parameters():
            if not parameter.stop_gradient:
                assert parameter.grad.shape == parameter.shape
        optimizer.clear_grad()
    for key, value in net.state_dict().items():
        assert value.shape == list(before[key].shape)
        assert np.isfinite(value.numpy()).all()
        # A bias in front of a batch norm has no gradient and, at the start, little decay.
        if not key.endswith("_conv.bias"):
            assert (value.numpy() != before[key]).any(), key


def test_layers_say_their_new_widths():
    net = NETWORKS["BiSeNetV2"]()
    groups = find_groups(net)
    group = next(group for group in groups if "stage3.1.conv.0" in group.name)
    slice_channels(net, groups, {group.name: np.array([0, 5])})
    first, expand, project = net.sb.stage3[1].conv
    assert repr(first._conv).startswith("Conv2D(32, 30,")
    assert "Conv2D(30, 180" in repr(expand.depthwise_conv._conv)
    assert "groups=30" in repr(expand.depthwise_conv._conv)
    assert "num_features=180" in repr(expand.depthwise_conv._batch_norm)
    assert repr(project._conv).startswith("Conv2D(180, 32,")


def test_a_pruned_network_can_be_pruned_again_and_saved(tmp_path):
    net = trained_looking(NETWORKS["BiSeNetV2"]())
    for seed in range(2):
        groups = find_groups(net)
        slice_channels(net, groups, drawn_drop(groups, seed))
    file = str(tmp_path / "剪枝 后" / "model.pdparams")
    paddle.save(net.state_dict(), file)
    twin = NETWORKS["BiSeNetV2"]()
    apply_shapes(twin, {name: value.shape for name, value in paddle.load(file).items()})
    twin.set_state_dict(paddle.load(file))
    twin.eval()
    image = paddle.randn([1, 3, *SIZE])
    prefix = str(tmp_path / "program")
    free = paddle.static.InputSpec([None, 3, None, None], "float32")
    paddle.jit.save(paddle.jit.to_static(twin, input_spec=[free], full_graph=True), prefix)
    loaded = paddle.jit.load(prefix)(image)
    loaded = loaded[0] if isinstance(loaded, (list, tuple)) else loaded
    expected = outputs(net, image)[0]
    np.testing.assert_allclose(loaded.numpy(), expected, atol=1e-5 * np.abs(expected).max())


def test_grouped_layers_of_both_directions_are_sliced():
    class Net(nn.Layer):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2D(3, 8, 3)
            self.grouped = nn.Conv2D(8, 16, 3, groups=4)
            self.up = nn.Conv2DTranspose(16, 24, 2, stride=2, groups=4)
            self.wide = nn.Conv2DTranspose(24, 6, 2, stride=2)
            self.head = nn.Conv2D(6, 2, 1)

        def forward(self, x):
            return [self.head(self.wide(self.up(self.grouped(self.stem(x)))))]

    net = Net()
    groups = find_groups(net, (16, 16))
    assert [(group.name, group.width) for group in groups] == [
        ("stem.weight", 4),
        ("wide.weight", 6),
    ]
    drop = {"stem.weight": [1, 2], "wide.weight": [0, 5]}
    image = paddle.randn([1, 3, 16, 16])
    with mask_channels(net, groups, drop):
        masked = outputs(net, image)[0]
    slice_channels(net, groups, drop)
    np.testing.assert_allclose(outputs(net, image)[0], masked, atol=1e-6)
    assert (net.grouped._groups, net.up._groups) == (2, 2)
    twin = Net()
    apply_shapes(twin, shapes_of(net))
    assert (twin.grouped._groups, twin.up._groups) == (2, 2)
    assert shapes_of(twin) == shapes_of(net)


@pytest.mark.parametrize("drop", [range(64), [64], [-1]], ids=["all", "none_there", "negative"])
def test_a_group_can_lose_neither_all_atoms_nor_strange_ones(drop):
    net = NETWORKS["UNet"]()
    groups = find_groups(net)
    wrong = {next(group.name for group in groups if group.width == 64): np.array(drop)}
    with pytest.raises(ValueError, match="cannot lose"):
        slice_channels(net, groups, wrong)
    with pytest.raises(ValueError, match="cannot lose"), mask_channels(net, groups, wrong):
        pass


def test_weights_come_back_after_an_error():
    net = trained_looking(NETWORKS["FastSCNN"]())
    groups = find_groups(net)
    before = {name: value.numpy() for name, value in net.state_dict().items()}
    with pytest.raises(KeyError), mask_channels(net, groups, drawn_drop(groups)):
        raise KeyError
    assert all((value.numpy() == before[name]).all() for name, value in net.state_dict().items())


@pytest.mark.parametrize("name", ALL)
def test_plans_save_the_share_asked_for(name):
    net = NETWORKS[name]()
    groups = find_groups(net)
    scores, before = drawn_scores(groups), count_flops(net, SIZE)
    widths = {group.name: group.width for group in groups}
    for share in (0.3, 0.5):
        options = {"scores": scores, "pruned_flops": share, "size": SIZE}
        plain, eights, by_loss = (
            plan_global(net, groups, **options),
            plan_global(net, groups, multiple=8, **options),
            plan_by_sensitivity(net, groups, losses=drawn_losses(groups), **options),
        )
        for plan in (plain, eights, by_loss):
            assert plan.missed is None
            assert abs(saved_share(plan) - share) <= TOLERANCE
            assert plan.flops_before == before
            for group, atoms in plan.drop.items():
                lowest = np.argsort(scores[group])[: len(atoms)]
                assert sorted(lowest) == atoms.tolist()
                assert len(atoms) <= 0.9 * widths[group]
        for group, atoms in eights.drop.items():
            step = next(step for step in (8, 4, 2, 1) if widths[group] >= 4 * step or step == 1)
            assert (widths[group] - len(atoms)) % step == 0
    slice_channels(net, groups, plain.drop)
    assert count_flops(net, SIZE) == plain.flops_after


def test_one_threshold_divides_the_scores_of_all_groups():
    net = NETWORKS["UNet"]()
    groups = find_groups(net)
    scores = drawn_scores(groups)
    # Another scale of a whole layer says nothing about its channels.
    scaled = {name: values * 10.0**i for i, (name, values) in enumerate(scores.items())}
    options = {"pruned_flops": 0.4, "size": SIZE}
    plan = plan_global(net, groups, scores=scaled, **options)
    again = plan_global(net, groups, scores=scores, **options)
    assert plan.drop.keys() == again.drop.keys()
    relative = {name: values / values.mean() for name, values in scores.items()}
    gone = np.concatenate([relative[name][atoms] for name, atoms in plan.drop.items()])
    stays = [np.delete(values, plan.drop.get(name, [])) for name, values in relative.items()]
    # Single atoms are exchanged to come nearer to the share.
    assert np.mean(np.concatenate(stays) < gone.max()) < 0.01


def test_sensitive_groups_lose_less():
    net = NETWORKS["FastSCNN"]()
    groups = find_groups(net)
    tough, tender = groups[3].name, groups[5].name
    losses = {
        group.name: {n / 10: (0.9 if group.name == tender else 0.1) * n / 10 for n in range(1, 10)}
        for group in groups
    }
    plan = plan_by_sensitivity(
        net,
        groups,
        scores=drawn_scores(groups),
        losses=losses,
        pruned_flops=0.5,
        size=SIZE,
    )
    assert plan.missed is None
    assert tender not in plan.drop  # the smallest measured share costs it 0.09
    assert len(plan.drop[tough]) / groups[3].width == pytest.approx(plan.loss / 0.1, abs=0.02)


def test_groups_that_were_not_measured_stay_whole():
    net = NETWORKS["FastSCNN"]()
    groups = find_groups(net)
    losses = drawn_losses(groups[::2])
    options = {"scores": drawn_scores(groups), "pruned_flops": 0.2, "size": SIZE}
    plan = plan_by_sensitivity(net, groups, losses=losses, **options)
    assert plan.drop.keys() <= losses.keys()
    assert abs(saved_share(plan) - 0.2) <= TOLERANCE


@pytest.mark.parametrize(
    ("bound", "ratio"),
    [(-0.2, 0.0), (-0.1, 0.1), (-0.03, 0.15), (0.04, 0.2), (0.09, 0.25), (0.14, 0.3), (0.2, 0.4)],
)
def test_shares_between_the_measured_ones_as_in_paddleslim(bound, ratio):
    losses = {0.3: 0.14, 0.1: -0.1, 0.2: 0.04, 0.4: 0.2}
    assert ratio_within(losses, bound) == pytest.approx(ratio)


def test_a_share_out_of_reach_says_what_was_reached():
    net = NETWORKS["FastSCNN"]()
    groups = find_groups(net)
    options = {"scores": drawn_scores(groups), "size": SIZE}
    plan = plan_global(net, groups, pruned_flops=0.95, floor=0.5, **options)
    assert saved_share(plan) < 0.9
    assert str(plan.missed).startswith(f"Only {100 * saved_share(plan):.1f} % of the operations go")
    assert "instead of 95.0 %" in str(plan.missed)
    for group in groups:
        assert len(plan.drop[group.name]) == group.width // 2


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_shares_must_lie_between_zero_and_one(share):
    net = NETWORKS["FastSCNN"]()
    groups = find_groups(net)
    with pytest.raises(InputError, match="between 0 and 1"):
        plan_global(net, groups, scores=drawn_scores(groups), pruned_flops=share, size=SIZE)


def small_shapes():
    net = NETWORKS["FastSCNN"]()
    groups = find_groups(net)
    slice_channels(net, groups, drawn_drop(groups))
    return shapes_of(net)


STEM = "learning_to_downsample.conv_bn_relu"


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("no.such.weight", [1]),
        (f"{STEM}._conv.weight", [33, 3, 3, 3]),  # larger
        (f"{STEM}._conv.weight", [0, 3, 3, 3]),
        (f"{STEM}._conv.weight", [20, 3, 3]),
        (f"{STEM}._conv.weight", [20, 3, 2, 3]),  # another kernel
        (f"{STEM}._conv.weight", [1, 3, 3, 3]),  # unlike its bias and batch norm
        (f"{STEM}._batch_norm._mean", [1]),
        ("classifier.conv.bias", [4]),
        ("global_feature_extractor.bottleneck1.0.block.1._conv.weight", [2, 1, 3, 3]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, shape):
    net = NETWORKS["FastSCNN"]()
    full = shapes_of(net)
    with pytest.raises(InputError, match=name.rpartition(".")[0]):
        apply_shapes(net, small_shapes() | {name: shape})
    assert shapes_of(net) == full


def test_fewer_classes_or_image_channels_are_refused():
    net = NETWORKS["FastSCNN"]()
    heads = {
        name: [CLASSES - 1, *shape[1:]]
        for name, shape in shapes_of(net).items()
        if name.startswith(("classifier.conv.", "auxlayer.conv."))
    }
    with pytest.raises(InputError, match="resize"):
        apply_shapes(net, heads)
    with pytest.raises(InputError, match=STEM):
        apply_shapes(net, {f"{STEM}._conv.weight": [32, 2, 3, 3]})
