"""Time of one training step on the CPU: these networks, and the same networks in PyTorch.

    python benchmarks/training_step.py [--torch-python PYTHON] [--steps N] [--threads N]

Fast-SCNN trains on 8 images of 256 × 256, U-Net on 2; a step is forward pass, cross entropy,
backward pass and one step of the momentum optimizer. The median of the steps counts. Close other
programs: two busy cores are all that most of these measurements have.

``--torch-python`` names a Python that can import torch (the environment of this project need not
have it). The PyTorch networks (benchmarks/torch_networks.py) have the same layers and the same
numbers of parameters, which are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: network, batch size, side of the images in pixels
CASES = (("FastSCNN", 8, 256), ("UNet", 2, 256))
NUM_CLASSES = 19


def main() -> None:
    """Measure in fresh processes, one after another, and print the table."""
    parser = argparse.ArgumentParser(description="Time of one training step on the CPU.")
    parser.add_argument("--torch-python", help="a Python that can import torch")
    parser.add_argument("--steps", type=int, default=15, help="measured steps (default 15)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        case = next(case for case in CASES if case[0] == arguments.case)
        measure = measure_ours if arguments.engine == "ours" else measure_torch
        print(json.dumps(measure(*case, steps=arguments.steps, threads=arguments.threads)))
        return
    print(
        f"{'network':10} {'batch':>14} {'engine':22} {'parameters':>11} {'ms/step':>8} "
        f"{'fastest':>8} {'CPU ms':>7} {'images/s':>9}"
    )
    for name, batch, side in CASES:
        for engine, python in (("ours", sys.executable), ("torch", arguments.torch_python)):
            if python is None:
                print(f"{name:10} PyTorch not measured: give --torch-python a Python with torch.")
                continue
            row = in_fresh_process(python, engine, name, arguments)
            if isinstance(row, str):
                print(f"{name:10} {engine} not measured: {row}")
                continue
            print(
                f"{name:10} {batch:>4} × {side}² {row['engine']:>22} {row['parameters']:>13,} "
                f"{row['median_ms']:8.0f} {row['fastest_ms']:8.0f} {row['cpu_ms']:7.0f} "
                f"{1000 * batch / row['median_ms']:9.2f}"
            )


def in_fresh_process(
    python: str, engine: str, case: str, arguments: argparse.Namespace
) -> dict[str, Any] | str:
    """Result of one measurement, or why there is none."""
    command = [python, str(Path(__file__).resolve()), "--engine", engine, "--case", case]
    command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{python} cannot be started ({error.strerror})."
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        if any("No module named 'torch'" in line for line in lines):
            return f"{python} cannot import torch."
        return lines[-1] if lines else f"exit code {done.returncode}"
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def measure_ours(name: str, batch: int, side: int, *, steps: int, threads: int) -> dict[str, Any]:
    """Time this project's network and loss."""
    del threads  # Paddle chooses
    sys.path.insert(0, str(HERE.parent))
    import paddle

    from core.networks.fast_scnn import FastSCNNNet
    from core.networks.unet import UNetNet
    from core.training.allocator import keep_freed_memory
    from core.training.losses import build_loss

    paddle.set_device("cpu")
    paddle.seed(0)
    keep_freed_memory()
    net = {"FastSCNN": FastSCNNNet, "UNet": UNetNet}[name](NUM_CLASSES)
    loss = build_loss(False, [1.0, 0.4] if name == "FastSCNN" else [1.0])
    optimizer = paddle.optimizer.Momentum(0.01, parameters=net.parameters(), weight_decay=4e-5)
    images = paddle.randn([batch, 3, side, side])
    labels = paddle.randint(0, NUM_CLASSES, [batch, side, side])

    def step() -> None:
        loss(net(images), labels).backward()
        optimizer.step()
        optimizer.clear_grad()

    trainable = [value for value in net.parameters() if not value.stop_gradient]
    return {
        "engine": f"ours, Paddle {paddle.__version__}",
        "parameters": sum(value.size for value in trainable),
        **timed(step, steps),
    }


def measure_torch(name: str, batch: int, side: int, *, steps: int, threads: int) -> dict[str, Any]:
    """Time the same network in PyTorch."""
    sys.path.insert(0, str(HERE))
    import torch
    from torch_networks import FastSCNN, UNet

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    net = {"FastSCNN": FastSCNN, "UNet": UNet}[name](NUM_CLASSES)
    coefficients = (1.0, 0.4)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=4e-5)
    images = torch.randn(batch, 3, side, side)
    labels = torch.randint(0, NUM_CLASSES, (batch, side, side))

    def step() -> None:
        losses = [torch.nn.functional.cross_entropy(out, labels) for out in net(images)]
        sum(c * loss for c, loss in zip(coefficients, losses, strict=False)).backward()
        optimizer.step()
        optimizer.zero_grad()

    return {
        "engine": f"PyTorch {torch.__version__.split('+')[0]}",
        "parameters": sum(value.numel() for value in net.parameters()),
        **timed(step, steps),
    }


def timed(step: Callable[[], None], steps: int) -> dict[str, float]:
    """Wall and processor time of ``step`` in milliseconds, after two steps of warm-up."""
    for _ in range(2):
        step()
    times = []
    cpu = time.process_time()
    for _ in range(steps):
        start = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - start))
    return {
        "median_ms": statistics.median(times),
        "fastest_ms": min(times),
        "cpu_ms": 1000 * (time.process_time() - cpu) / steps,
    }


if __name__ == "__main__":
    main()
