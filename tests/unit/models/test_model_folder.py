"""Model folders: complete, atomic, and safe to open whoever wrote them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from core import seg
from core import transforms as T  # noqa: N812
from core.models import weights
from core.models.model_folder import network_input_size, read_model_info, set_thresholds
from core.seg.loading import load_model
from core.system.errors import InputError

REPOSITORY = Path(__file__).parents[3]


def make(**params):
    model = seg.create("UNet", seed=1, num_classes=3, **params)
    model.test_transforms = T.Compose([T.Resize((48, 32)), T.Normalize()])
    model.labels = ["背景", "a", "b"]
    model.colors = [(0, 0, 0), (1, 2, 3), (4, 5, 6)]
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make(use_deconv=True).save_model(tmp_path_factory.mktemp("模型 dir") / "model")


@pytest.fixture
def copy(saved, tmp_path):
    """A model folder to damage."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in saved.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def edit(folder, change):
    """Change the description with ``change(content)``."""
    file = folder / "model.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_the_description_is_complete(saved):
    info = read_model_info(saved)
    assert info.name == "UNet"
    assert info.init_params == {
        "num_classes": 3,
        "use_mixed_loss": False,
        "use_deconv": True,
        "align_corners": False,
    }
    assert info.labels == ("背景", "a", "b")
    assert info.colors == ((0, 0, 0), (1, 2, 3), (4, 5, 6))
    assert info.image_size == (32, 48)
    assert info.status == "Normal"
    assert info.libraries["paddlepaddle"] == paddle.__version__


def test_loading_gives_the_same_predictions_in_another_process(saved, tmp_path):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (50, 40, 3)).astype(np.uint8)
    np.save(tmp_path / "image.npy", image)
    script = f"""
import numpy as np, paddle
paddle.nn.Conv2D(3, 3, 3)  # something was built before
import core as pdx
model = pdx.load_model({str(saved)!r})
result = model.predict(np.load({str(tmp_path / "image.npy")!r}))
np.savez({str(tmp_path / "result.npz")!r}, **result)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)
    there = np.load(tmp_path / "result.npz")
    original = make(use_deconv=True).predict(image)
    here = load_model(saved).predict(image)
    for name in ("label_map", "score_map"):
        np.testing.assert_array_equal(here[name], original[name])
        np.testing.assert_array_equal(there[name], original[name])


def test_reading_the_description_needs_no_paddle(saved):
    script = (
        "import sys; from core.models.model_folder import read_model_info;"
        f"print(read_model_info({str(saved)!r}).name, 'paddle' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=REPOSITORY, capture_output=True, text=True
    )
    assert run.stdout.split() == ["UNet", "False"]


def test_every_constructor_argument_is_recorded():
    assert seg.FastSCNN(4, [("DiceLoss", 1.0)]).init_params == {
        "num_classes": 4,
        "use_mixed_loss": [("DiceLoss", 1.0)],
        "align_corners": False,
    }


def test_mixed_loss_survives_saving(tmp_path):
    seg.FastSCNN(4, [("DiceLoss", 1.0)]).save_model(tmp_path / "m")
    model = load_model(tmp_path / "m")
    assert [list(part) for part in model.init_params["use_mixed_loss"]] == [["DiceLoss", 1.0]]


def test_without_net(saved):
    model = load_model(saved, with_net=False)
    assert model.net is None
    assert model.labels == ["背景", "a", "b"]


def test_a_killed_replacement_is_put_right(copy):
    copy.rename(copy.parent / ".model.replaced")  # where a kill between two renames leaves it
    assert read_model_info(copy).name == "UNet"


def test_a_failed_save_leaves_the_old_model(copy, monkeypatch):
    before = {file.name: file.read_bytes() for file in copy.iterdir()}

    def fail(path, net):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(weights, "write_state_dict", fail)
    with pytest.raises(OSError, match="disk full"):
        make().save_model(copy)
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == before
    assert [path.name for path in copy.parent.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c.update(Model="os.system"), "no network called"),
        (lambda c: c.update(Model=3), "does not describe a model: Model"),
        (lambda c: c.pop("_init_params"), "does not describe a model: _init_params"),
        (lambda c: c["_init_params"].update(num_classes=4), "contradicts itself"),
        (lambda c: c["_Attributes"].update(labels=["a"]), "labels says 1"),
        (lambda c: c["_Attributes"].update(num_classes=10**9), "num_classes"),
        (lambda c: c["_init_params"].update(evil=1), "cannot build"),
        (lambda c: c["_init_params"].pop("use_deconv"), "does not fit the network"),
        (lambda c: c.update(status="Unknown"), "does not describe a model: status"),
        (lambda c: c.update(Transforms=[{"__import__": {"name": "os"}}]), "Unknown transform"),
    ],
)
def test_a_wrong_description_is_refused(copy, change, sentence):
    edit(copy, change)
    with pytest.raises(InputError, match=sentence):
        load_model(copy)


def test_yaml_that_runs_code_is_refused(copy, tmp_path):
    target = tmp_path / "ran"
    (copy / "model.yml").write_text(f"!!python/object/apply:os.mkdir ['{target}']\n")
    with pytest.raises(InputError, match="YAML"):
        load_model(copy)
    assert not target.exists()


@pytest.mark.parametrize("name", ["model.yml", "model.pdparams", ".success"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"{name},? is missing"):
        load_model(copy)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="no model folder"):
        load_model(tmp_path / "nowhere")


class Attack:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.mkdir, (self.target,)


class Smuggled:
    def __reduce__(self):
        return np.ndarray, ((2,), "O")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_weights_that_run_code_are_refused(copy, tmp_path, protocol):
    target = tmp_path / "ran"
    content = {"w": np.zeros(3, np.float32), "x": Attack(target)}
    (copy / "model.pdparams").write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(InputError, match="cannot be read as network weights"):
        load_model(copy)
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({"w": np.array([object()])}),
        pickle.dumps({"w": np.array(["text"])}),
        pickle.dumps({"w": Smuggled()}),
        pickle.dumps({"w": "no array"}),
        pickle.dumps({"w": np.zeros(10, np.float32)})[:-20],
    ],
)
def test_weights_that_are_none_are_refused(copy, content):
    (copy / "model.pdparams").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.pdparams"):
        load_model(copy)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_of_every_pickle_protocol_are_read(tmp_path, protocol):
    rng = np.random.default_rng(0)
    content = {
        "a": rng.random((3, 4)).astype(np.float32),
        "b": np.asfortranarray(rng.random((3, 4))),
        "c": rng.integers(0, 9, 5),
        "d": np.float32([1, 2]).astype(">f4"),
        "e": np.zeros((0, 3), np.float32),
    }
    file = tmp_path / "w.pdparams"
    file.write_bytes(pickle.dumps(content, protocol=protocol))
    read = weights.read_state_dict(file)
    for name, array in content.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype.newbyteorder("=")


def test_old_numpy_names_are_read(tmp_path):
    data = pickle.dumps({"a": np.arange(3.0)}, protocol=2).replace(
        b"numpy._core.multiarray", b"numpy.core.multiarray"
    )
    (tmp_path / "w.pdparams").write_bytes(data)
    np.testing.assert_array_equal(weights.read_state_dict(tmp_path / "w.pdparams")["a"], [0, 1, 2])


def test_tensors_saved_by_paddle_are_read(tmp_path):
    file = tmp_path / "w.pdparams"
    paddle.save({"a": paddle.to_tensor([1.0, 2.0])}, str(file))
    np.testing.assert_array_equal(weights.read_state_dict(file)["a"], [1, 2])


@pytest.mark.parametrize(
    ("transforms", "size"),
    [
        ([T.Resize((48, 32))], (32, 48)),
        ([T.Resize(64), T.RandomHorizontalFlip(), T.Normalize()], (64, 64)),
        ([T.Resize((48, 32), keep_ratio=True), T.Padding(target_size=(48, 32))], (32, 48)),
        ([T.Resize((48, 32), keep_ratio=True)], None),
        ([T.ResizeByShort(32)], None),
        ([T.Normalize()], None),
        ([T.CenterCrop(20)], (20, 20)),
    ],
)
def test_network_input_size(transforms, size):
    assert network_input_size(T.Compose(transforms).to_list()) == size


def test_thresholds_are_put_in_and_nothing_else_changes(copy):
    before = read_model_info(copy)
    set_thresholds(copy, [None, 0.25, 0.75])
    after = read_model_info(copy)
    assert after.thresholds == (None, 0.25, 0.75)
    assert replace(after, thresholds=before.thresholds) == before
    set_thresholds(copy, None)
    assert read_model_info(copy).thresholds is None


@pytest.mark.parametrize("wrong", [[None, 0.5], [None, 0.5, 1.0], [None, 0.0, 0.5]])
def test_impossible_thresholds_are_refused(copy, wrong):
    text = (copy / "model.yml").read_text("utf-8")
    with pytest.raises(InputError, match="threshold"):
        set_thresholds(copy, wrong)
    assert (copy / "model.yml").read_text("utf-8") == text
