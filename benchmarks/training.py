"""Training as a whole on the CPU, with nothing set, beside PyTorch's bare step on all cores.

    python benchmarks/training.py --torch-python PYTHON [--networks NAME …] [--rounds N]

Ours is the command line's ``train`` on a data set made for it: images are read, changed and
batched, with the suggested loss, optimizer and moving average, on as many cores as ``--device
auto`` finds idle. Images a second are the median of what the run tells, without its beginning.
PyTorch's step has its images in memory, and is forward pass, cross entropy, backward pass and
momentum optimizer with all cores' threads; its networks (benchmarks/torch_networks.py,
torch_larger_networks.py) have the same layers, which the numbers of parameters show. The two take
turns; their ratio is the median of the rounds. Close other programs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: network, side of the images in pixels, steps of a round; batches of 8
CASES = {
    "FastSCNN": (256, 48),
    "BiSeNetV2": (256, 24),
    "UNet": (128, 12),
    "DeepLabV3P": (128, 12),
    "HRNet": (128, 12),
    "EfficientNetFPN": (256, 24),
}
BATCH = 8
EPOCH_STEPS = 12
NUM_CLASSES = 4
#: Steps in the beginning that do not count.
WARM_UP = 4


def main() -> None:
    """Let both take turns, and print the table."""
    parser = argparse.ArgumentParser(description="Training as a whole beside PyTorch's step.")
    parser.add_argument("--torch-python", required=True, help="a Python that can import torch")
    parser.add_argument("--networks", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", type=int, help="side of the images, instead of each one's own")
    parser.add_argument("--device", default="auto", help="of ours (default auto)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        side = arguments.side
        print(json.dumps(measure_torch(arguments.peer, side, threads=arguments.threads)))
        return
    print(
        f"{'network':16} {'batch':>9} {'on':>6} {'parameters':>21} "
        f"{'images/s':>9} {'PyTorch':>8} {'ratio':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.networks:
            print(row(name, Path(folder), arguments), flush=True)


def row(name: str, folder: Path, arguments: argparse.Namespace) -> str:
    """Measure one network and return its line."""
    side = arguments.side or CASES[name][0]
    data = make_data(folder / str(side), side)
    ours, peers = [], []
    for number in range(arguments.rounds):
        out = folder / f"{name} {number}"
        ours.append(measure_ours(name, data, out, side=side, device=arguments.device))
        peers.append(run_torch(name, side, arguments))
    ratio = statistics.median(
        mine["images_per_second"] / peer["images_per_second"]
        for mine, peer in zip(ours, peers, strict=True)
    )
    parameters = f"{ours[0]['parameters']:,}/{peers[0]['parameters']:,}"
    speeds = [statistics.median(one["images_per_second"] for one in s) for s in (ours, peers)]
    return (
        f"{name:16} {BATCH} × {side:>3}² {ours[0]['device']:>6} {parameters:>21} "
        f"{speeds[0]:9.2f} {speeds[1]:8.2f} {ratio:6.2f}"
    )


def make_data(folder: Path, side: int) -> Path:
    """Write a data set whose epochs have ``EPOCH_STEPS`` steps, once."""
    sys.path.insert(0, str(HERE.parent))
    from core.datasets import write_data_folder
    from core.demo.dataset import LABELS, DemoSettings, make_dataset

    if folder.exists():
        return folder
    train, val = BATCH * EPOCH_STEPS, BATCH
    make_dataset(folder, DemoSettings(images=train + val, side=side))
    images = sorted((folder / "JPEGImages").iterdir())
    pairs = [(image, folder / "Annotations" / f"{image.stem}.png") for image in images]
    write_data_folder(folder, labels=LABELS, subsets={"train": pairs[:train], "val": pairs[train:]})
    return folder


def measure_ours(name: str, data: Path, out: Path, *, side: int, device: str) -> dict[str, Any]:
    """Train by the command line, and read what the run told."""
    from core.models.model_folder import WEIGHTS
    from core.models.state_dict_files import read_arrays
    from core.runs.events import Progress
    from core.runs.run_folder import RunFolder

    steps = CASES[name][1]
    command = [sys.executable, str(HERE.parent / "main.py"), "train", "--data", str(data)]
    command += ["--out", str(out), "--model", name, "--epochs", str(-(-steps // EPOCH_STEPS))]
    command += ["--batch-size", str(BATCH), "--image-size", f"{side}x{side}", "--device", device]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    run = RunFolder(out)
    told = [event for _, event in run.events() if isinstance(event, Progress)]
    speeds = [e.images_per_second for e in told if e.images_per_second and e.step > WARM_UP]
    arrays = read_arrays(Path((run.result or {})["last_model"]) / WEIGHTS)
    weights = {key: one for key, one in arrays.items() if hasattr(one, "size")}
    trained = [one for key, one in weights.items() if not key.endswith(("._mean", "._variance"))]
    return {
        "images_per_second": statistics.median(speeds),
        "parameters": sum(one.size for one in trained),
        "device": "" if run.started is None else run.started.device,
    }


def run_torch(name: str, side: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the peer in a process of its own."""
    command = [arguments.torch_python, str(Path(__file__).resolve()), "--torch-python", "-"]
    command += ["--peer", name, "--side", str(side), "--threads", str(arguments.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} in PyTorch: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def measure_torch(name: str, side: int, *, threads: int) -> dict[str, Any]:
    """Time the bare step of the same network in PyTorch."""
    sys.path.insert(0, str(HERE))
    import torch
    import torch_larger_networks
    import torch_networks

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    place = torch_networks if hasattr(torch_networks, name) else torch_larger_networks
    net = getattr(place, name)(NUM_CLASSES)
    factors = (1.0, 0.4) if name == "FastSCNN" else (1.0,) * 5
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=4e-5)
    images = torch.randn(BATCH, 3, side, side)
    labels = torch.randint(0, NUM_CLASSES, (BATCH, side, side))
    times = []
    for _ in range(CASES[name][1]):
        start = time.perf_counter()
        losses = [torch.nn.functional.cross_entropy(out, labels) for out in net(images)]
        sum(factor * loss for factor, loss in zip(factors, losses, strict=False)).backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.perf_counter() - start)
    return {
        "images_per_second": BATCH / statistics.median(times[WARM_UP:]),
        "parameters": sum(value.numel() for value in net.parameters()),
    }


if __name__ == "__main__":
    main()
