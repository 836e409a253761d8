"""Exported models timed side by side: processes, what they tell, what goes wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import onnxruntime
import pytest
from exported_networks import SIZE, noise, trained_model

from core import cli
from core.deploy import network_alone
from core.deploy.benchmark_worker import Order, Subject, peak_memory, work
from core.deploy.benchmarking import benchmark_exports
from core.deploy.model_export import export_model
from core.portable.manifest import read_manifest
from core.portable.onnx_sessions import open_session
from core.prediction.onnx_predictor import OnnxModel
from core.system.errors import InputError
from core.system.reporting import Reporter, StopRequested

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """One network in each format, and without preprocessing."""
    folder, model = tmp_path_factory.mktemp("导出 1"), trained_model("FastSCNN")
    for form in ("onnx", "openvino", "paddle"):
        export_model(model, folder / form, format=form)
    export_model(model, folder / "plain", plain=True)
    return folder


def measured(folders, **options):
    return benchmark_exports(folders, threads=[1], seconds=0.02, **options)


def test_all_formats_are_timed_in_all_that_reads_them(exports):
    names = ("onnx", "openvino", "paddle", "plain")
    result = measured([exports / name for name in names], image_size=(150, 90), batches=[2])
    assert [(one.name, one.runtime) for one in result.measured] == [
        ("onnx", "onnxruntime"),
        ("onnx", "openvino"),
        ("openvino", "openvino"),
        ("paddle", "paddle"),
        ("plain", "onnxruntime"),
    ]
    for one in result.measured:
        assert one.problem is None
        assert one.version
        assert one.precision == "float32"
        assert one.size_bytes > 4e6
        assert one.peak_memory_bytes > 40e6
        keys = [(timing.stage, timing.threads, timing.batch) for timing in one.timings]
        stages = ("file_to_mask", "network")
        assert keys == [(stage, 1, batch) for stage in stages for batch in (1, 2)]
        for timing in one.timings:
            assert 0 < timing.p50_ms <= timing.p95_ms
            assert timing.runs >= 5  # once in each turn
            assert timing.images_per_second > 0
    assert result.image_size == (150, 90)
    assert 0 <= result.idle_cores <= result.cores
    told = json.loads(json.dumps(result.to_dict()))
    assert told["measured"][0]["export"] == str(exports / "onnx")
    assert told["busy"] is result.busy
    assert multiprocessing.active_children() == []


def test_the_default_image_is_what_the_network_takes(exports):
    assert measured([exports / "onnx"], batches=[1]).image_size == SIZE[::-1]


def test_a_damaged_model_does_not_stop_the_others(exports, tmp_path):
    broken = tmp_path / "broken"
    export_model(trained_model("FastSCNN"), broken)
    (broken / "model.onnx").write_bytes(b"nothing")
    result = measured([broken, exports / "openvino"], batches=[1])
    problems = {one.name: one.problem for one in result.measured}
    assert "model.onnx is no" in str(problems["broken"])
    assert problems["openvino"] is None
    assert [bool(one.timings) for one in result.measured] == [False, False, True]


def test_models_of_one_name_are_told_apart(exports, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "export").symlink_to(exports / "openvino")
    folders = [tmp_path / name / "export" for name in "ab"]
    names = [one.name for one in measured(folders, batches=[1]).measured]
    assert names == [str(folder) for folder in folders]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": [0]}, "threads is 0"),
        ({"batches": [0]}, "batches is 0"),
        ({"seconds": 0}, "seconds is 0"),
    ],
)
def test_numbers_that_make_no_sense(exports, options, said):
    with pytest.raises(InputError, match=said):
        benchmark_exports([exports / "onnx"], **options)


def test_what_is_no_export(tmp_path):
    with pytest.raises(InputError, match="is no exported model"):
        benchmark_exports([tmp_path])
    with pytest.raises(InputError, match="one exported model"):
        benchmark_exports([])


def test_it_can_be_stopped(exports):
    class Impatient(Reporter):
        steps = 0

        def check(self):
            self.steps += 1
            if self.steps > 3:
                raise StopRequested

    with pytest.raises(StopRequested):
        measured([exports / "onnx"], reporter=Impatient())
    assert multiprocessing.active_children() == []


def test_a_worker_that_ends_is_a_problem_of_its_model(exports, monkeypatch):
    monkeypatch.setattr("core.deploy.benchmarking.work", _die)
    (first, _second) = measured([exports / "onnx"], batches=[1]).measured
    assert "process ended" in str(first.problem)


def _die(_subject, _orders):
    os._exit(3)


def test_a_worker_answers_orders(exports):
    """In a thread, so that its lines are seen to run."""
    ours, theirs = multiprocessing.Pipe()
    image = exports / "image.png"
    image.write_bytes(cv2.imencode(".png", np.zeros((70, 40, 3), np.uint8))[1].tobytes())
    subject = Subject(
        folder=str(exports / "onnx"),
        runtime="onnxruntime",
        image=str(image),
        network_size=SIZE,
        spinning=False,
    )
    thread = threading.Thread(target=work, args=(subject, theirs))
    thread.start()
    for stage, batch in (("network", 2), ("file_to_mask", 1), ("file_to_mask", 2)):
        ours.send(Order(stage=stage, threads=1, batch=batch, seconds=0.0))
        answer = ours.recv()
        assert answer.problem is None
        assert len(answer.seconds) == 1
    image.unlink()
    ours.send(Order(stage="file_to_mask", threads=1, batch=1, seconds=0.0))
    assert "image.png" in str(ours.recv().problem)
    ours.close()
    thread.join(10)
    assert not thread.is_alive()


def test_memory_is_that_of_this_process():
    before = peak_memory()
    array = np.ones(2**24, np.uint8)
    array = np.concatenate([array] * 4)
    assert peak_memory() >= before
    assert peak_memory() > array.nbytes


def test_the_network_alone_is_the_network(exports):
    batch = noise(2, 3, *SIZE)
    expected = OnnxModel(exports / "onnx" / "model.onnx").logits(batch)
    for name in ("onnx", "plain"):
        file = exports / name / "model.onnx"
        found = network_alone.onnx_network(file, lambda one: open_session(one, threads=1))(batch)
        np.testing.assert_allclose(found[0], expected, atol=1e-4)
    results = network_alone.openvino_network(exports / "onnx" / "model.onnx", threads=1)(batch)
    np.testing.assert_allclose(results[0], expected, atol=1e-3)
    # Conversion put the swap of colours into the first convolution.
    file = exports / "openvino" / "model.xml"
    results = network_alone.openvino_network(file, threads=1)(batch[:, ::-1])
    np.testing.assert_allclose(results[0], expected, atol=1e-3)
    folder = exports / "paddle"
    network = network_alone.paddle_network(folder, read_manifest(folder), threads=1)
    np.testing.assert_allclose(network(batch), expected, atol=1e-3)
    # An image of another size is brought to the only one that it takes.
    assert network(noise(1, 3, 50, 200)).shape == (1, 3, *SIZE)


def test_a_provider_that_is_not_there_is_left_out(exports, monkeypatch):
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    result = measured([exports / "onnx"], batches=[1])
    devices = [(one.runtime, one.device) for one in result.measured]
    assert ("onnxruntime", "CPU") in devices
    assert ("onnxruntime", "CUDA") not in devices  # its wheel for processors knows no other


def test_the_command(exports, capsys, tmp_path):
    command = ["benchmark", "--export", str(exports / "onnx"), str(exports / "openvino")]
    quick = ["--threads", "1", "--batch", "1", "--seconds", "0.05"]
    assert cli.run([*command, *quick, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {one["name"] for one in told["measured"]} == {"onnx", "openvino"}
    assert {one["export"] for one in told["recommended"]} == {
        str(exports / "onnx"),
        str(exports / "openvino"),
    }
    assert told["recommended"][0]["threads"] == 1
    assert any("run it in" in sentence for sentence in told["advice"])
    assert cli.run([*command[:3], *quick, "--image-size", "96x64", "--shared-cores"]) == 0
    shown = capsys.readouterr().out
    assert "96×64 pixels" in shown
    assert "file to mask ms" in shown
    assert cli.run(["benchmark", "--export", str(tmp_path)]) == 2
    assert "no exported model" in capsys.readouterr().err


def test_paddle_is_not_imported(exports, tmp_path):
    """Neither here nor in the workers, unless an export is for it."""
    (tmp_path / "paddle").mkdir()
    (tmp_path / "paddle" / "__init__.py").write_text("raise ImportError('not wanted')")
    code = "import sys; from core import cli; sys.exit(cli.run(sys.argv[1:]))"
    quick = ["--threads", "1", "--batch", "1", "--seconds", "0.05", "--json"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code, "benchmark", "--export", str(exports / "onnx"), *quick],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert all(one["problem"] is None for one in json.loads(done.stdout)["measured"])
