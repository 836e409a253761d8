"""A bundle of an int8 model: the line PC computes the masks that were made here."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from verification_parts import lively_model, quantized

from core.deploy.bundle.bundle_writing import write_bundle
from core.deploy.model_export import export_model
from core.deploy.verification.probe_images import probe_images
from core.images.io import read_mask, write_image
from core.portable.line_command import run_command
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import read_manifest
from core.portable.mask_files import encode_label_map
from core.portable.selftest import SAMPLES, SAMPLES_FILE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An int8 export, two images, and a bundle with them."""
    made = tmp_path_factory.mktemp("int8 包")
    export_model(quantized(lively_model()), made / "export")
    images = []
    for number, picture in enumerate(probe_images()[:2]):
        images.append(made / "images" / f"图 {number}.png")
        images[-1].parent.mkdir(exist_ok=True)
        write_image(images[-1], picture)
    write_bundle(made / "export", made / "bundle", samples=images)
    return made


def test_its_selftest_passes_and_names_the_precision(folder, capsys) -> None:
    assert read_manifest(folder / "bundle").precision == "int8"
    assert run_command(folder / "bundle", ["selftest", "--json"]) == 0
    printed = capsys.readouterr().out
    assert "int8" in printed and "selftest passed" in printed
    result = json.loads(printed.splitlines()[-1])
    assert len(result["samples"]) == 2
    assert all(one["differing"] == 0 for one in result["samples"])  # the same machine
    assert "0.50" in (folder / "bundle" / "README.md").read_text("utf-8")


def test_its_masks_are_those_of_the_export(folder, tmp_path) -> None:
    out = tmp_path / "out"
    assert run_command(folder / "bundle", [str(folder / "images"), "--out", str(out)]) in (0, 12)
    predictor = LinePredictor(folder / "export")
    for image in sorted((folder / "images").iterdir()):
        mask = read_mask(out / "masks" / image.name)
        np.testing.assert_array_equal(mask, predictor.label_map(image))
        assert len(np.unique(mask)) == 3


@pytest.mark.parametrize(("share", "passes"), [(0.003, True), (0.02, False)])
def test_another_machine_may_move_some_pixels(folder, tmp_path, capsys, share, passes) -> None:
    """Products of 8 bits are rounded otherwise elsewhere: half a percent may differ, no more."""
    bundle = shutil.copytree(folder / "bundle", tmp_path / "bundle")
    index = bundle / SAMPLES / SAMPLES_FILE
    content = json.loads(index.read_text("utf-8"))
    content["machine"]["processor"] = "another one"
    index.write_text(json.dumps(content), encoding="utf-8")
    for file in sorted((bundle / SAMPLES).glob("*_mask.png")):
        mask = read_mask(file)
        count = round(share * mask.size)
        mask.reshape(-1)[:count] = (mask.reshape(-1)[:count] + 1) % 3
        file.write_bytes(encode_label_map(mask, [(0, 0, 0), (255, 0, 0), (0, 0, 255)]))
    assert (run_command(bundle, ["selftest"]) == 0) is passes
    printed = capsys.readouterr().out
    assert "this is not the kind of machine" in printed
    assert f"{share:.4%}"[:3] in printed
