"""One training step on the card: does an environment compute there, and what a processor would?"""

from __future__ import annotations

import functools
import importlib
import math
import sys
from pathlib import Path
from typing import Any, Final

from core.system.devices import list_devices
from core.system.errors import InputError
from core.system.gpu_environment.build_choice import BUILDS, best_gpu
from core.system.gpu_environment.environment_folders import CardAndDriver
from core.system.probe_process import run_probe
from core.system.reporting import Reporter, StopRequested

#: Compiling kernels for a new card, or a scanner that reads gigabytes, takes its time.
_TIMEOUT_S: Final = 600.0
_STEPS: Final = 3
_TOLERANCE: Final = 1e-2


def try_environment(
    packages: Path, *, build: str, reporter: Reporter | None = None
) -> CardAndDriver:
    """Train a tiny network on the first GPU, in a process of its own.

    Args:
        packages: folder of the environment that comes first on the search path.
        build: name of the build that lies there.
        reporter: asked whether to go on.

    Raises:
        InputError: it does not work; the sentence says what happened.
        StopRequested: the reporter asked to stop.
    """
    trial = functools.partial(train_on_card, str(packages), build)
    try:
        result = run_probe(trial, timeout_s=_TIMEOUT_S, stopped=lambda: _is_stopped(reporter))
    except StopRequested:
        if reporter is not None:
            reporter.check()  # what it raises may be of another kind
        raise
    if not result.ok:
        raise InputError(
            "The training step on the GPU failed, so the processor stays in use: {problem}.",
            problem=result.problem.rstrip("."),
        )
    gpu = best_gpu(list_devices())
    if gpu is None:
        raise InputError("NVIDIA's driver shows no GPU here.")
    return CardAndDriver(gpu=gpu.name, driver=str(gpu.driver))


def _is_stopped(reporter: Reporter | None) -> bool:
    try:
        if reporter is not None:
            reporter.check()
    except Exception:  # its owner's own kind of request
        return True
    return False


def train_on_card(packages: str, build: str) -> str:
    """Entry of the process; returns the card's name.

    Raises:
        RuntimeError: something is not as it must be.
        ArithmeticError: the GPU computes something else than the processor.
    """
    sys.path.insert(0, packages)
    # By name: only processes like this one load the engine, and nothing that the window imports.
    paddle: Any = importlib.import_module("paddle")
    origin = Path(paddle.__spec__.origin)
    if not origin.is_relative_to(packages):
        raise RuntimeError(f"another Paddle was loaded: {origin}")
    if not paddle.is_compiled_with_cuda():
        raise RuntimeError("this Paddle is a build for processors")
    if paddle.device.cuda.device_count() < 1:
        raise RuntimeError("Paddle sees no GPU")
    major, minor = paddle.device.cuda.get_device_capability(0)
    known = BUILDS.get(build)
    if known is not None and not known.runs((int(major), int(minor))):
        raise RuntimeError(f"{build} holds no kernels for compute capability {major}.{minor}")
    on_card, on_processor = _losses(paddle, "gpu:0"), _losses(paddle, "cpu")
    if not all(math.isfinite(loss) for loss in on_card):
        raise ArithmeticError("the loss of a tiny network is not finite on the GPU")
    worst = max(abs(a - b) / max(abs(b), 1e-3) for a, b in zip(on_card, on_processor, strict=True))
    if worst > _TOLERANCE:
        raise ArithmeticError(f"losses on the GPU are {on_card}, on the processor {on_processor}")
    return str(paddle.device.cuda.get_device_name(0))


def _losses(paddle: Any, device: str) -> list[float]:
    """Return the losses of a few steps; the last ones know whether gradients were right."""
    np = importlib.import_module("numpy")
    paddle.set_device(device)
    nn = paddle.nn
    net = nn.Sequential(nn.Conv2D(3, 8, 3, padding=1), nn.BatchNorm2D(8), nn.Conv2D(8, 2, 1))
    random = np.random.default_rng(0)
    for parameter in net.parameters():
        values = random.standard_normal(parameter.shape) * 0.3
        parameter.set_value(values.astype(np.float32))
    optimizer = paddle.optimizer.Momentum(0.05, parameters=net.parameters())
    images = paddle.to_tensor(random.standard_normal((2, 3, 16, 16)).astype(np.float32))
    labels = paddle.to_tensor(random.integers(0, 2, (2, 16, 16)))
    losses = []
    for _ in range(_STEPS):
        loss = nn.functional.cross_entropy(net(images), labels, axis=1)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    return losses
