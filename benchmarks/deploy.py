"""From an image's file to its mask: our exports beside PaddleX 2.1's way, in one run.

    uv run benchmarks/deploy.py [--network FastSCNN] [--size 256] [--image 640x480] [--threads 2]

PaddleX's way is Paddle's inference library on a network that gives classes and probabilities, with
the steps of PaddleX 2.1 around it: ``cv2.imread``, colours swapped, ``cv2.resize``, normalised in
numpy, both results resized back. Paddle 3 computes it here, with oneDNN as PaddleX has it. Ours are
``LinePredictor``'s, in ONNX Runtime and OpenVINO, float and int8.

Every contender has a process of its own and the same number of threads; they are asked in turn, in
another order in each round. Weights are drawn: times do not depend on them. What the masks agree in
shows that all do the same work; ours resizes scores, PaddleX classes, so that edges differ.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from core.system.devices import idle_cores, usable_cores

CONTENDERS = (
    "PaddleX 2.1",
    "PaddleX 2.1, classes only",
    "ONNX Runtime",
    "OpenVINO",
    "ONNX Runtime int8",
    "OpenVINO int8",
    "Paddle, our steps",
)
CLASSES = 4


def make_files(folder: Path, *, network: str, size: int, image: tuple[int, int]) -> None:
    """Write the image, our exports and PaddleX's in ``folder``."""
    import cv2

    import core as pdx
    from core import transforms as T  # noqa: N812
    from core.compression.quantization.calibration import calibrate
    from core.compression.quantization.config import QuantConfig
    from core.compression.quantization.fake_quantization import quantize
    from core.deploy.model_export import export_model

    rng = np.random.default_rng(0)
    width, height = image
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    picture = cv2.resize(coarse, image, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "image.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    model = pdx.seg.create(network, seed=0, num_classes=CLASSES)
    model.labels = [f"class {index}" for index in range(CLASSES)]
    model.test_transforms = T.Compose([T.Resize((size, size)), T.Normalize()])
    model.net.eval()
    write_paddlex(model.net, folder / "paddlex")
    export_model(model, folder / "onnx")
    export_model(model, folder / "openvino", format="openvino")
    export_model(model, folder / "paddle", format="paddle")
    quantize(model.net, QuantConfig(), size=(size, size))
    seen = model.test_transforms({"image": picture})["image"].transpose(2, 0, 1)[None]
    calibrate(model.net, [np.ascontiguousarray(seen)])
    export_model(model, folder / "onnx_int8")
    export_model(model, folder / "openvino_int8", format="openvino")


def write_paddlex(net: Any, folder: Path) -> None:
    """Save a network as ``paddlex --export_inference`` does."""
    import paddle
    from paddle.static import InputSpec

    class InferenceNet(paddle.nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Any) -> Any:
            logits = self.net(x)[0]
            label_map = paddle.argmax(logits, axis=1, keepdim=False, dtype="int32")
            scores = paddle.nn.functional.softmax(logits, axis=1)
            return label_map, paddle.transpose(scores, perm=[0, 2, 3, 1])

    wrapped = InferenceNet()
    wrapped.eval()
    specs = [InputSpec([None, 3, None, None], "float32", "image")]
    paddle.jit.save(paddle.jit.to_static(wrapped, full_graph=True), str(folder / "model"), specs)


def paddlex_way(
    folder: Path, *, size: int, threads: int, with_scores: bool
) -> Callable[[Path], Any]:
    """Return what goes from a file to a label map as ``paddlex.deploy.Predictor`` does."""
    import cv2
    from paddle import inference

    config = inference.Config(
        str(folder / "paddlex" / "model.json"), str(folder / "paddlex" / "model.pdiparams")
    )
    config.disable_gpu()
    config.set_cpu_math_library_num_threads(threads)
    config.set_mkldnn_cache_capacity(10)
    config.enable_mkldnn()
    config.disable_glog_info()
    predictor = inference.create_predictor(config)
    image_in = predictor.get_input_handle(predictor.get_input_names()[0])
    mean = np.array([0.485, 0.456, 0.406], np.float32)[None, None]
    std = np.array([0.229, 0.224, 0.225], np.float32)[None, None]
    least, scale = np.zeros(3, np.float32), np.full(3, 1 / 255, np.float32)

    def predict(file: Path) -> Any:
        flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_COLOR
        image = cv2.cvtColor(cv2.imread(str(file), flags), cv2.COLOR_BGR2RGB)
        height, width = image.shape[:2]
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
        values = (image.astype(np.float32) - least) * scale
        values -= mean
        values /= std
        batch = np.asarray([np.swapaxes(np.swapaxes(values, 1, 2), 1, 0)])
        image_in.reshape(batch.shape)
        image_in.copy_from_cpu(np.ascontiguousarray(batch))
        predictor.run()
        label_map, scores = (
            predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()
        )
        found = cv2.resize(label_map[0], (width, height), interpolation=cv2.INTER_NEAREST)
        if with_scores:
            cv2.resize(scores[0], (width, height), interpolation=cv2.INTER_LINEAR)
        return found

    return predict


def contender(name: str, folder: Path, *, size: int, threads: int) -> Callable[[Path], Any]:
    """Return a contender, ready to run."""
    if name.startswith("PaddleX"):
        whole = "only" not in name
        return paddlex_way(folder, size=size, threads=threads, with_scores=whole)
    from core.deploy.opening import open_export

    if name.startswith("Paddle"):
        return open_export(folder / "paddle", threads=threads).label_map
    form = "openvino" if name.startswith("OpenVINO") else "onnx"
    export = folder / (f"{form}_int8" if name.endswith("int8") else form)
    return open_export(export, threads=threads).label_map


def work(name: str, folder: Path, size: int, threads: int, orders: Connection) -> None:
    """Answer each number of runs with the runs' seconds; 0 with the label map."""
    predict = contender(name, folder, size=size, threads=threads)
    file = folder / "image.jpg"
    while True:
        try:
            runs = orders.recv()
        except EOFError:
            return
        if not runs:
            orders.send(np.asarray(predict(file), np.uint8))
            continue
        times = []
        for _ in range(runs):
            begin = time.perf_counter()
            predict(file)
            times.append(time.perf_counter() - begin)
        orders.send(times)


def race(
    names: list[str], folder: Path, *, size: int, threads: int, rounds: int, runs: int
) -> dict[str, dict[str, Any]]:
    """Return times in milliseconds and agreement with PaddleX's mask by contender."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name in names:
        pipes[name], theirs = context.Pipe()
        process = context.Process(
            target=work, args=(name, folder, size, threads, theirs), daemon=True
        )
        process.start()
        theirs.close()
        processes.append(process)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    masks = {}
    for name in names:
        pipes[name].send(0)
        masks[name] = pipes[name].recv()
        pipes[name].send(3)  # warms up
        pipes[name].recv()
    for turn in range(rounds):
        for index in np.random.default_rng(turn).permutation(len(names)):
            time.sleep(0.05)  # threads of the one before may still spin
            pipes[names[index]].send(runs)
            seconds[names[index]] += pipes[names[index]].recv()
    for name in names:
        pipes[name].close()
    for process in processes:
        process.join(10)
    first = masks[names[0]]
    return {
        name: {
            "p50_ms": float(np.percentile(seconds[name], 50)) * 1e3,
            "p95_ms": float(np.percentile(seconds[name], 95)) * 1e3,
            "agreement": float((masks[name] == first).mean()),
        }
        for name in names
    }


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="FastSCNN")
    parser.add_argument("--size", type=int, default=256, help="side of the network's input")
    parser.add_argument("--image", default="640x480", metavar="WxH")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=10, help="in each round")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    width, height = map(int, given.image.split("x"))
    idle = idle_cores()
    with tempfile.TemporaryDirectory(prefix="deploy-") as name:
        folder = Path(name)
        make_files(folder, network=given.network, size=given.size, image=(width, height))
        found = race(
            list(CONTENDERS),
            folder,
            size=given.size,
            threads=given.threads,
            rounds=given.rounds,
            runs=given.runs,
        )
    base = found[CONTENDERS[0]]["p50_ms"]
    for one in found.values():
        one["ratio"] = one["p50_ms"] / base
    if given.json:
        print(json.dumps({**vars(given), "idle_cores": idle, "times": found}))
        return
    print(
        f"{given.network}, {given.size}² of {width}×{height} JPEG, {given.threads} threads, "
        f"{idle:.1f} cores idle before"
    )
    print(f"{'file to mask':<28} {'p50 ms':>8} {'p95 ms':>8} {'ratio':>6} {'same pixels':>12}")
    for contender_name, one in found.items():
        print(
            f"{contender_name:<28} {one['p50_ms']:>8.2f} {one['p95_ms']:>8.2f} "
            f"{one['ratio']:>6.2f} {one['agreement']:>12.4f}"
        )


if __name__ == "__main__":
    main()
