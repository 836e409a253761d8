"""Exports that are right are verified; those that are not are caught, and the stage is named."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import onnx
import pytest
from tiny_dataset import LABELS, Recorder, write_folder
from verification_parts import SIZE, change_file, change_manifest, lively_model, quantized

from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.deploy.verification.export_verification import verify_export
from core.deploy.verification.outcome import Bounds
from core.deploy.verification.probe_images import probe_images
from core.deploy.verification.samples import Sample, data_samples
from core.deploy.verification.trained_network import trained_network
from core.portable.manifest import (
    ModelInput,
    file_record,
    manifest_to_dict,
    read_manifest,
    write_manifest,
)
from core.system.errors import InputError

KINDS = ("complete", "plain", "openvino", "paddle")
OPTIONS = {
    "complete": {},
    "plain": {"plain": True},
    "openvino": {"format": "openvino"},
    "paddle": {"format": "paddle"},
}


@pytest.fixture(scope="module")
def model():
    model = lively_model()
    model.thresholds = [None, 0.4, 0.6]
    return model


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("data") / "数据", val=3, size=151)
    return data_samples(folder, "val", LABELS, reporter=Recorder())


@pytest.fixture(scope="module")
def exports(model, tmp_path_factory):
    """Folders of exports by kind, made when first asked for."""
    made = {}

    def export(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("exports") / kind
            export_model(model, made[kind], **OPTIONS[kind])
        return made[kind]

    return export


@pytest.fixture
def folder(request, exports, tmp_path):
    """A copy of an export, to be spoilt."""
    return shutil.copytree(exports(request.param), tmp_path / "输出 1")


def verify(folder, model, samples, **options):
    return verify_export(folder, trained_network(folder, model), samples, **options)


def steps(*, size=SIZE, interp="LINEAR", **normal):
    return tuple(T.Compose([T.Resize(size, interp), T.Normalize(**normal)]).to_list())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_right_is_verified(exports, model, samples, kind, tmp_path):
    reporter = Recorder()
    found = verify(exports(kind), model, samples, picture_dir=tmp_path / "图", reporter=reporter)
    assert found.verified, found.to_dict()["faults"]
    assert found.agreement >= 0.9999
    assert found.miou_export == pytest.approx(found.miou_model, abs=1e-4)
    assert found.scored_images == len(samples) and found.largest_difference < 1e-3
    assert (tmp_path / "图" / "worst_image.png").stat().st_size > 1000
    assert reporter.progresses[-1]["stage"] == "verify"
    result = json.loads(json.dumps(found.to_dict()))
    assert result["stage"] is None and result["problem"] is None
    assert result["worst_image"]["image"] in {one.name for one in samples}
    assert result["machine"]["runtime_version"]
    assert result["machine"]["runtime"] == {"openvino": "openvino", "paddle": "paddle"}.get(
        kind, "onnxruntime"
    )


def test_openvino_runs_an_onnx_file(exports, model, samples):
    found = verify(exports("complete"), model, samples, runtime="openvino")
    assert found.verified
    assert (found.machine.runtime, found.machine.precision) == ("openvino", "float32")


@pytest.mark.parametrize("folder", KINDS, indirect=True)
@pytest.mark.parametrize(
    ("changes", "stage", "words"),
    [
        ({"preprocessing": steps(mean=(0.5,) * 3)}, "preprocessing", "mean (0.5, 0.5, 0.5)"),
        ({"preprocessing": steps(std=(0.5,) * 3)}, "preprocessing", "std (0.5, 0.5, 0.5)"),
        ({"preprocessing": steps(interp="AREA")}, "preprocessing", "interp AREA"),
        ({"preprocessing": steps(size=(64, 128))}, "preprocessing", "target_size (64, 128)"),
        ({"labels": (*LABELS[1:], LABELS[0])}, "postprocessing", "class 0 square"),
        ({"background": 2}, "postprocessing", "background is disc"),
        ({"thresholds": (None, 0.6, 0.4)}, "postprocessing", "threshold of square is 0.6"),
        ({"applies_thresholds": True}, "postprocessing", "the thresholds, and"),
    ],
)
def test_a_wrong_manifest_is_named(folder, model, samples, changes, stage, words):
    change_manifest(folder, **changes)
    found = verify(folder, model, samples[:1])
    assert not found.verified
    assert found.faults[0].stage == stage, found.to_dict()["faults"]
    assert words in str(found.faults[0].problem)
    if stage == "preprocessing" and found.graph == "complete":
        assert found.agreement == 1.0
        assert "The file itself prepares images as the model does." in map(str, found.warnings)
    if stage == "preprocessing" and (found.graph, found.format) == ("plain", "onnx"):
        assert found.agreement == 1.0
        assert any("prepares images as model.onnx says" in str(one) for one in found.warnings)


@pytest.mark.parametrize("folder", KINDS, indirect=True)
def test_swapped_colors_are_named(folder, model, samples):
    order = "RGB" if read_manifest(folder).input.color_order == "BGR" else "BGR"
    own = dataclasses.replace(read_manifest(folder).input, color_order=order)
    change_manifest(folder, input=own)
    found = verify(folder, model, samples[:1])
    assert [one.stage for one in found.faults] == ["preprocessing"]
    assert f"takes {order} images" in str(found.faults[0].problem)


def test_an_rgb_file_is_right_and_swapped_colors_in_it_are_named(model, samples, tmp_path):
    export_model(model, tmp_path / "a", color_order="rgb")
    assert verify(tmp_path / "a", model, samples[:1]).verified
    change_manifest(tmp_path / "a", input=ModelInput(color_order="BGR"))
    assert verify(tmp_path / "a", model, samples[:1]).to_dict()["stage"] == "preprocessing"


@pytest.mark.parametrize("folder", ["complete"], indirect=True)
def test_grey_images_hide_no_swapped_colors(folder, model):
    grey = np.tile(np.arange(150, dtype=np.uint8)[:, None, None], (1, 130, 3))
    change_manifest(folder, input=ModelInput(color_order="RGB"))
    found = verify(folder, model, [Sample("grey", grey)])
    assert found.to_dict()["stage"] == "preprocessing"


@pytest.mark.parametrize("folder", KINDS, indirect=True)
def test_a_flipped_bit_is_noticed(folder, model, samples):
    name = sorted(read_manifest(folder).files, key=lambda one: -(folder / one).stat().st_size)[0]

    def flip(content):
        content[len(content) // 2] ^= 1

    change_file(folder / name, flip)
    found = verify(folder, model, samples[:1])
    assert found.faults[0].stage == "network"
    assert f"{name} is not the file that was exported" in str(found.faults[0].problem)


@pytest.mark.parametrize("folder", KINDS, indirect=True)
def test_a_file_cut_short_is_a_result_too(folder, model, samples):
    manifest = read_manifest(folder)
    file = folder / manifest.model_file
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    found = verify(folder, model, samples[:1])
    assert not found.verified and found.agreement is None
    assert manifest.model_file in str(found.faults[0].problem)
    assert found.to_dict()["machine"]["processor"]


@pytest.mark.parametrize("folder", ["complete"], indirect=True)
def test_a_missing_file_and_one_that_no_hash_is_known_of(folder, model, samples):
    change_manifest(folder, files={})
    found = verify(folder, model, samples[:1])
    assert "does not know the SHA-256 of model.onnx" in str(found.faults[0].problem)
    change_manifest(folder, files={"gone.bin": {"sha256": "0" * 64}})
    (fault,) = verify(folder, model, samples[:1]).faults
    assert "gone.bin is missing" in str(fault.problem)


def rewrite(folder, change):
    """Change the graph of an ONNX file, and its hash in the manifest."""
    graph = onnx.load(folder / "model.onnx")
    change(graph)
    onnx.save(graph, folder / "model.onnx")
    manifest = read_manifest(folder)
    files = {**manifest.files, "model.onnx": file_record(folder / "model.onnx")}
    write_manifest(folder, dataclasses.replace(manifest, files=files))


@pytest.mark.parametrize("folder", ["complete", "plain"], indirect=True)
def test_another_network_is_told_from_another_preprocessing(folder, model, samples):
    def spoil(graph):
        weights = max(graph.graph.initializer, key=lambda one: len(one.raw_data))
        values = onnx.numpy_helper.to_array(weights) * np.float32(1.3)
        weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))

    rewrite(folder, spoil)
    found = verify(folder, model, samples)
    assert [one.stage for one in found.faults] == ["network"]
    assert "the network of the file gives other scores" in str(found.faults[0].problem)
    assert found.worst_image.agreement < 0.999
    assert any("99.99 % are the least" in str(one) for one in found.warnings)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_graph_that_prepares_images_otherwise(model, samples, tmp_path, runtime):
    other = lively_model([T.Resize(SIZE), T.Normalize(mean=(0.3, 0.6, 0.5))])
    export_model(other, tmp_path / "a")
    own = tuple(model.test_transforms.to_list())

    def hide(graph):
        for one in list(graph.metadata_props):
            if one.key.startswith("maskwright"):
                graph.metadata_props.remove(one)

    rewrite(tmp_path / "a", hide)
    change_manifest(tmp_path / "a", preprocessing=own, thresholds=tuple(model.thresholds))
    found = verify(tmp_path / "a", model, samples, runtime=runtime)
    assert [one.stage for one in found.faults] == ["preprocessing"]
    assert "what reaches the network differs" in str(found.faults[0].problem)


@pytest.mark.parametrize("folder", ["complete"], indirect=True)
def test_a_label_map_that_does_not_follow_from_the_scores(folder, model, samples):
    def swap(graph):
        (node,) = [one for one in graph.graph.node if "label_map" in one.output]
        node.output[0] = "wrong_way_round"
        one = onnx.numpy_helper.from_array(np.array(2, np.uint8), "two")
        graph.graph.initializer.append(one)
        graph.graph.node.append(
            onnx.helper.make_node("Sub", ["two", "wrong_way_round"], ["label_map"])
        )

    rewrite(folder, swap)
    found = verify(folder, model, samples)
    assert [one.stage for one in found.faults] == ["postprocessing"]
    assert "another label map than follows from its scores" in str(found.faults[0].problem)


@pytest.mark.parametrize("folder", ["complete"], indirect=True)
def test_what_the_file_says_of_itself_counts_too(folder, model, samples):
    def rename(graph):
        content = manifest_to_dict(read_manifest(folder))
        content["labels"] = list(LABELS[::-1])
        props = {one.key: one.value for one in graph.metadata_props}
        props["maskwright_manifest"] = json.dumps(content)
        onnx.helper.set_model_props(graph, props)

    rewrite(folder, rename)
    found = verify(folder, model, samples[:1])
    assert str(found.faults[0].problem).startswith("model.onnx calls class 0 disc")


@pytest.mark.parametrize("kind", ["complete", "plain", "openvino"])
def test_thresholds_are_obeyed_where_the_file_was_made_so(model, samples, tmp_path, kind):
    export_model(model, tmp_path / "a", thresholds=[None, 0.9, 0.1], **OPTIONS[kind])
    assert verify(tmp_path / "a", model, samples).verified
    change_manifest(tmp_path / "a", applies_thresholds=False)
    found = verify(tmp_path / "a", model, samples[:1])
    assert found.to_dict()["stage"] == "postprocessing"
    assert "does not obey the thresholds, and it does" in found.to_dict()["problem"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_for_another_size_of_image(model, samples, tmp_path, kind):
    export_model(model, tmp_path / "a", size=(160, 64), **OPTIONS[kind])
    found = verify(tmp_path / "a", model, samples)
    assert found.verified, found.to_dict()["faults"]


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [0.7, 1.0])
def test_images_that_are_computed_in_windows(tmp_path, scale):
    model = lively_model([T.Rescale(scale, window=SIZE), T.Normalize()])
    export_model(model, tmp_path / "a")
    # The small one is continued to the one size that this network takes.
    small, large = Sample("a", probe_images()[0][:80, :100]), Sample("b", probe_images()[1])
    found = verify(tmp_path / "a", model, [small, large])
    assert found.verified, found.to_dict()["faults"]
    assert found.scored_images == 2
    network = trained_network(tmp_path / "a", model)
    moved = dataclasses.replace(read_manifest(tmp_path / "a").tiling, overlap=1)
    change_manifest(tmp_path / "a", tiling=moved)
    found = verify_export(tmp_path / "a", network, [small, large])
    assert found.to_dict()["stage"] == "postprocessing"
    assert "larger ones, which are computed in windows" in found.to_dict()["problem"]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["complete", "openvino"])
def test_a_small_image_where_the_network_takes_one_size(tmp_path, kind):
    model = lively_model([T.Rescale(0.5, window=SIZE), T.Normalize()])
    export_model(model, tmp_path / "a", **OPTIONS[kind])
    found = verify(tmp_path / "a", model, [Sample("a", probe_images()[0][:47, :33])])
    assert found.verified, found.to_dict()["faults"]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["complete", "openvino", "paddle"])
def test_int8_is_judged_by_what_it_loses(samples, tmp_path, kind):
    model = quantized(lively_model())
    export_model(model, tmp_path / "a", **OPTIONS[kind])
    found = verify(tmp_path / "a", model, samples, bounds=Bounds(int8_loss=0.03))
    assert (found.judged_by, found.bound) == ("miou", 0.03)
    assert found.verified and found.agreement < 1
    found = verify(tmp_path / "a", model, samples, bounds=Bounds(int8_loss=-1.0))
    assert [one.stage for one in found.faults] == ["network"]
    assert any("points of mIoU" in str(one) for one in found.warnings)
    unlabelled = [dataclasses.replace(one, mask=None) for one in samples]
    found = verify(tmp_path / "a", model, unlabelled, bounds=Bounds(agreement=0.9))
    assert (found.judged_by, found.bound, found.miou_model) == ("agreement", 0.9, None)
    assert found.verified
    if kind != "paddle":
        change_manifest(tmp_path / "a", input=ModelInput(color_order="RGB"))
        assert verify(tmp_path / "a", model, unlabelled).to_dict()["stage"] == "preprocessing"


def test_other_classes_and_no_preprocessing(exports, model, samples):
    other = lively_model()
    other.test_transforms = None
    with pytest.raises(InputError, match="no preprocessing of its own"):
        trained_network(exports("complete"), other)
    with pytest.raises(InputError, match="no exported model"):
        trained_network(exports("complete").parent, model)
