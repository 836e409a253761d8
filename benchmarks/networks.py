"""What each network costs on this machine: training and prediction speed, peak memory.

    uv run benchmarks/networks.py [--size 256] [--batch 2] [--steps 3]

Each row is measured in a process of its own, so that peaks do not add up. Prediction is
``Segmenter.predict`` on an image in memory, resizing and normalisation included; training is one
step of the loop's own loss and optimizer on random images.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

ROWS: dict[str, tuple[str, dict[str, object]]] = {
    "FastSCNN": ("FastSCNN", {}),
    "BiSeNetV2": ("BiSeNetV2", {}),
    "UNet": ("UNet", {}),
    "UNet deconv": ("UNet", {"use_deconv": True}),
    "DeepLabV3P R50": ("DeepLabV3P", {}),
    "DeepLabV3P R101": ("DeepLabV3P", {"backbone": "ResNet101_vd"}),
    "HRNet 18": ("HRNet", {"width": 18}),
    "HRNet 48": ("HRNet", {"width": 48}),
    "EfficientNetFPN": ("EfficientNetFPN", {}),
}


def measure(row: str, *, size: int, batch: int, steps: int) -> str:
    """Return one line of the table."""
    import numpy as np
    import paddle

    import core as pdx
    from core import transforms as T  # noqa: N812
    from core.training.allocator import keep_freed_memory
    from core.training.losses import build_loss
    from core.training.optimizers import make_optimizer

    keep_freed_memory()
    name, params = ROWS[row]
    model = pdx.seg.create(name, seed=0, num_classes=19, **params)
    rng = np.random.default_rng(0)
    images = paddle.to_tensor(rng.standard_normal((batch, 3, size, size)).astype("float32"))
    masks = paddle.to_tensor(rng.integers(0, 19, (batch, size, size)))
    loss_of = build_loss(False, model.head_weights)
    optimizer = make_optimizer(model.net, learning_rate=0.01, lr_decay_power=0.9, total_steps=100)
    model.net.train()

    def train() -> None:
        loss = loss_of(model.net(images), masks)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        float(loss)

    step = _seconds(train, steps)
    model.net.eval()
    picture = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    pipeline = T.Compose([T.Resize(size), T.Normalize()])
    predict = _seconds(lambda: model.predict(picture, pipeline), steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{row:<16} {batch / step:>9.2f} {1 / predict:>11.2f} {peak:>11.0f}"


def _seconds(work: Callable[[], object], steps: int) -> float:
    """Median seconds of a call, after one that is not counted."""
    times = []
    for _ in range(steps + 1):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        print(measure(given.row, size=given.size, batch=given.batch, steps=given.steps))
        return
    print(f"{given.size}×{given.size}, batch {given.batch}, 19 classes, images/s and MiB")
    print(f"{'network':<16} {'train':>9} {'predict':>11} {'peak':>11}")
    for row in ROWS:
        command = [sys.executable, __file__, "--row", row]
        command += [f"--{key}={getattr(given, key)}" for key in ("size", "batch", "steps")]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
