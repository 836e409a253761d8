"""Bundles: they run with three packages, notice every changed bit, and C++ agrees with them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openvino.utils
import pytest
from line_models import LABELS, complete_graph, write_line_model, write_pictures

from core.deploy.bundle.bundle_writing import SUMS, write_bundle
from core.images.io import read_mask
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import (
    ModelInput,
    Tiling,
    damaged_files,
    file_record,
    read_manifest,
    write_manifest,
)
from core.system.errors import InputError

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an export, pictures and its bundle; tests change copies."""
    folder = tmp_path_factory.mktemp("bundles")
    write_line_model(folder / "export", model=complete_graph(kernel=3))
    samples = write_pictures(folder / "images", 2)
    result = write_bundle(folder / "export", folder / "bundle", samples=samples)
    return folder, result


def _run(bundle: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Call ``predict.py`` as a line PC does: nothing of this program can be imported."""
    code = (
        "import runpy, sys; sys.modules['core'] = sys.modules['paddle'] = None; "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-P", "-c", code, str(bundle / "predict.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        cwd=bundle.parent,
        check=False,
    )


def test_a_bundle_is_whole_and_tests_itself(made):
    folder, result = made
    bundle = folder / "bundle"
    assert result.path == bundle and result.samples == 2
    files = [file for file in bundle.rglob("*") if file.is_file()]
    assert result.files == len(files)
    assert result.size_bytes == sum(file.stat().st_size for file in files)
    assert result.fingerprint == hashlib.sha256((bundle / SUMS).read_bytes()).hexdigest()
    done = _run(bundle, "selftest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert result.fingerprint in done.stdout and "selftest passed" in done.stdout
    assert "machine: " in done.stdout and "sample_2.png: 0 of 4800" in done.stdout
    assert not [*bundle.rglob("*.pyc")]  # nothing is written into it
    checked = shutil.which("sha256sum")
    if checked:
        subprocess.run([checked, "--check", "--quiet", "--strict", SUMS], cwd=bundle, check=True)


def test_predictions_are_those_of_the_export(made, tmp_path):
    folder, _ = made
    done = _run(folder / "bundle", folder / "images", "--out", tmp_path / "out")
    assert done.returncode == 12, done.stdout + done.stderr
    predictor = LinePredictor(folder / "export")
    for image in sorted((folder / "images").iterdir()):
        mask = read_mask(tmp_path / "out" / "masks" / image.name)
        np.testing.assert_array_equal(mask, predictor.label_map(image))
        assert len(np.unique(mask)) == 3


def test_a_bundle_is_an_export_too(made):
    bundle = made[0] / "bundle"
    manifest = read_manifest(bundle)
    assert set(manifest.files) == {"model.onnx", "model.yml"}
    assert damaged_files(bundle, manifest) == []
    assert LinePredictor(bundle).labels == LABELS


@pytest.mark.parametrize(
    "name",
    [
        *("model.onnx", "manifest.json", "samples/sample_1.png", "samples/sample_2_mask.png"),
        *("portable/tiling.py", "predict.py", "requirements.txt", "cpp/label_map.cpp", SUMS),
    ],
)
def test_a_flipped_bit_is_noticed_and_named(made, tmp_path, name):
    bundle = tmp_path / "bundle"
    shutil.copytree(made[0] / "bundle", bundle)
    file = bundle / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    if name == "predict.py":  # in a comment, so that it still runs
        data = bytearray(file.read_bytes().replace(b"Judge images", b"Judge jmages"))
    file.write_bytes(data)
    done = _run(bundle, "selftest")
    assert done.returncode == 1
    assert "selftest FAILED" in done.stdout
    assert name in done.stdout or name == SUMS


def test_missing_and_strange_files_are_named(made, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(made[0] / "bundle", bundle)
    (bundle / "numpy.py").write_text("raise SystemExit(0)")
    (bundle / "portable" / "extra.py").write_text("")
    (bundle / "samples" / "sample_1.png").unlink()
    (bundle / "notes.txt").write_text("of the shift")
    done = _run(bundle, "selftest")
    assert done.returncode == 1
    found = re.findall(r"FAILED: (\S+)", done.stdout)
    assert found == ["samples/sample_1.png", "numpy.py", "portable/extra.py"]


def test_a_missing_package_is_told(made, tmp_path):
    code = (
        "import runpy, sys; sys.modules['cv2'] = None; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    file = made[0] / "bundle" / "predict.py"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file), "selftest"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "pip install -r requirements.txt" in done.stdout


def test_a_zip_holds_the_same_files(made, tmp_path):
    folder, plain = made
    samples = sorted((folder / "images").iterdir())
    result = write_bundle(folder / "export", tmp_path / "线 1.zip", samples=samples)
    assert (result.files, result.fingerprint) == (plain.files, plain.fingerprint)
    assert result.size_bytes == (tmp_path / "线 1.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "线 1.zip") as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path)
    assert _run(tmp_path / "线 1", "selftest").returncode == 0
    with pytest.raises(InputError, match="choose another name"):
        write_bundle(folder / "export", tmp_path / "线 1.zip")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["线 1", "线 1.zip"]


def test_what_cannot_be_bundled_is_told(made, tmp_path):
    export = tmp_path / "export"
    manifest = write_line_model(export)

    def refused(words: str, out: str = "bundle") -> None:
        with pytest.raises(InputError, match=words):
            write_bundle(export, tmp_path / out, samples=[tmp_path / "none.png"])
        assert not (tmp_path / "bundle").exists()
        assert not [*tmp_path.glob(".*")]

    refused("does not exist")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("")
    refused("not empty", "full")
    for changed in (replace(manifest, format="openvino"), replace(manifest, graph="plain")):
        write_manifest(export, changed)
        refused("--format onnx and without --plain")
    write_manifest(export, replace(manifest, files={}))
    refused("model.onnx of .* is not what was exported")
    write_manifest(export, manifest)
    (export / "model.yml").write_text("another")
    refused("model.yml of .* is not what was exported")
    (export / "manifest.json").unlink()
    refused("no exported model")


def test_a_model_that_computes_nonsense_is_not_bundled(tmp_path):
    graph = complete_graph()
    (softmax,) = [node for node in graph.graph.node if node.op_type == "Softmax"]
    softmax.op_type = "Sigmoid"
    del softmax.attribute[:]
    write_line_model(tmp_path / "export", model=graph)
    with pytest.raises(InputError, match="no probabilities"):
        write_bundle(tmp_path / "export", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_files_of_regions_come_along_and_others_do_not(tmp_path):
    export = tmp_path / "export"
    manifest = write_line_model(export, settings={"regions_file": "inspected.png"})
    region = np.full((60, 80), 255, np.uint8)
    (export / "inspected.png").write_bytes(cv2.imencode(".png", region)[1].tobytes())
    (export / "reference").mkdir()
    (export / "reference" / "000.png").write_bytes(b"x")
    names = ("inspected.png", "reference/000.png")
    files = {**manifest.files, **{name: file_record(export / name) for name in names}}
    write_manifest(export, replace(manifest, files=files))
    samples = write_pictures(tmp_path / "images", 1)
    write_bundle(export, tmp_path / "bundle", samples=samples)
    assert (tmp_path / "bundle" / "inspected.png").is_file()
    assert not (tmp_path / "bundle" / "reference").exists()
    done = _run(tmp_path / "bundle", *samples, "--out", tmp_path / "out")
    assert done.returncode == 12, done.stderr


def test_requirements_are_those_of_the_program():
    """``scripts/pin_bundle_requirements.py`` was run since the pins moved."""
    text = (ROOT / "core/deploy/bundle/files/requirements.txt").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins = set(project["tool"]["uv"]["constraint-dependencies"])
    lines = [line for line in text.splitlines() if not line.startswith("    --hash=sha256:")]
    required = [line.removesuffix(" \\") for line in lines]
    assert set(required) <= pins, set(required) - pins
    names = {one.split("==")[0] for one in required}
    assert {"numpy", "opencv-python-headless", "onnxruntime"} <= names
    assert text.count("--hash=sha256:") > 50 and "http" not in text


needs_compiler = pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("c++")), reason="needs cmake and a C++ compiler"
)


@needs_compiler
@pytest.mark.parametrize("order", ["BGR", "RGB"])
def test_the_cpp_sample_agrees(tmp_path, order):
    write_line_model(
        tmp_path / "export",
        model=complete_graph(kernel=3, order=order),
        labels=("background", 'Riß "1"', "暗"),
        input=ModelInput(color_order=order),
        tiling=Tiling(width=300, height=300, overlap=50),
    )
    write_bundle(tmp_path / "export", tmp_path / "bundle")
    build = tmp_path / "build"
    place = openvino.utils.get_cmake_path()
    settings = [f"-DOpenVINO_DIR={place}", "-DCMAKE_CXX_FLAGS=-Werror"]
    source = tmp_path / "bundle" / "cpp"
    for command in (["-S", source, "-B", build, *settings], ["--build", build]):
        subprocess.run(["cmake", *map(str, command)], check=True, capture_output=True, timeout=250)
    (file,) = write_pictures(tmp_path / "images", 1, size=(97, 131))
    picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(tmp_path / "a.ppm"), picture)

    def label_map(ppm: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [build / "label_map", tmp_path / "bundle" / "model.onnx", ppm, tmp_path / "a.pgm"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    done = label_map(tmp_path / "a.ppm")
    assert done.returncode == 0, done.stderr
    expected = LinePredictor(tmp_path / "bundle").label_map(file)
    computed = cv2.imread(str(tmp_path / "a.pgm"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(computed, expected)
    assert len(np.unique(expected)) == 3
    assert f'1 Riß "1": {(expected == 1).sum()} pixels' in done.stdout
    assert f"2 暗: {(expected == 2).sum()} pixels" in done.stdout
    for name, content, words in (
        ("cut.ppm", (tmp_path / "a.ppm").read_bytes()[:-1], "cut short"),
        ("png.ppm", file.read_bytes(), "no binary PPM"),
        ("huge.ppm", b"P6 99999999 99999999 255\n", "too large"),
        ("deep.ppm", b"P6 2 2 65535\n" + bytes(24), "values up to 65535"),
        ("head.ppm", b"P6 wide high 255\n", "head.ppm has a damaged header"),
        ("wide.ppm", b"P6 400 2 255\n" + bytes(2400), "larger than a window of 300x300"),
    ):
        (tmp_path / name).write_bytes(content)
        done = label_map(tmp_path / name)
        assert done.returncode == 1 and words in done.stderr, name
    done = label_map(tmp_path / "none.ppm")
    assert done.returncode == 1 and "none.ppm cannot be opened" in done.stderr
