"""How a worker process comes to compute with the GPU environment's engine instead of the program's.

The interpreter and all other packages are the program's own; the environment's folder comes first
on the search path, so that ``import paddle`` finds the GPU build there. Processes that a worker
spawns inherit the path. The window never calls this.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from typing import Any, Final

from core.system.device_choice import parse_device
from core.system.devices import DeviceInfo, list_devices
from core.system.errors import InputError
from core.system.gpu_environment.environment_folders import (
    GpuEnvironment,
    environment_problem,
    switched_on,
    write_record,
)
from core.system.gpu_environment.self_test import try_environment
from core.system.messages import Message, message

_ENGINE: Final = "paddle"
_LOG = logging.getLogger(__name__)


class _Process:
    left_out = False


def is_left_out() -> bool:
    """Whether this process computes without the environment, though it is switched on."""
    return _Process.left_out


def enter_environment(
    device: str, *, warn: Callable[[Message], object], load: bool = True, retest: bool = True
) -> None:
    """Put the environment that is switched on before the program's own engine, if it is any good.

    Call before the engine is loaded. Without an environment, or for a job on the processor,
    nothing happens. For ``auto``, an environment that cannot be used is told of and left out, and
    the job goes on with the processor.

    Args:
        device: of the job, as ``parse_device`` takes it.
        warn: told what is wrong with the environment.
        load: load the engine here and now, which shows whether it can be.
        retest: run the self-test where driver or card are not those of the last one; takes
            processes of its own, which not every process may start.

    Raises:
        InputError: a GPU is asked for, and the environment cannot be used.
    """
    environment = switched_on()
    if environment is None:
        return
    choice = parse_device(device)
    if choice.kind == "cpu":
        _Process.left_out = True
        return
    problem = _enter(environment, load=load, retest=retest)
    if problem is None:
        _Process.left_out = False
        _LOG.info("computing with %s", environment.packages)
        return
    _Process.left_out = True
    if choice.kind == "gpu":
        raise InputError(problem.template, **problem.params)
    warn(problem)
    warn(message("So the processor is used."))


def _enter(environment: GpuEnvironment, *, load: bool, retest: bool) -> Message | None:
    devices = list_devices()
    problem = environment_problem(environment, devices)
    if problem is None and retest:
        problem = _retest(environment, devices)
    if problem is not None:
        return problem
    sys.path.insert(0, str(environment.packages))
    importlib.invalidate_caches()
    if not load:
        return None
    try:
        engine: Any = importlib.import_module(_ENGINE)
    except Exception as error:  # what native libraries raise that miss others has no common base
        _LOG.exception("the GPU environment's engine cannot be loaded")
        sys.path.remove(str(environment.packages))
        _forget_engine()
        return message(
            "The GPU environment's Paddle cannot be loaded: {problem}. Make it anew.",
            problem=" ".join(str(error).split())[:300].rstrip("."),
        )
    if engine.device.cuda.device_count() < 1:  # its build computes on processors, too
        return message("The GPU environment's Paddle sees no GPU: restart the computer.")
    return None


def _retest(environment: GpuEnvironment, devices: tuple[DeviceInfo, ...]) -> Message | None:
    """Try an environment again after the driver was changed, and remember that it went well."""
    record = environment.record
    now = {(one.name, one.driver) for one in devices if one.kind == "gpu"}
    if (record.tested.gpu, record.tested.driver) in now:
        return None
    _LOG.info("another card or driver than %s: trying the GPU environment", record.tested)
    try:
        tested = try_environment(environment.packages, build=record.build)
    except InputError as error:
        return error.message
    write_record(environment.folder, record.model_copy(update={"tested": tested}))
    return None


def _forget_engine() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == _ENGINE]:
        del sys.modules[name]
