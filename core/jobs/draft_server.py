"""A process that keeps a model loaded and predicts one image after another on request.

Unlike a job it does not wait for its turn, so that an image can be predicted during a training,
and it answers in the time that the prediction takes once the model is loaded. Both ends speak
JSON messages, and plain bytes for pixels, over one pipe.
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import threading
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np

from core.annotation.draft import Prediction
from core.annotation.uncertainty import Uncertainty
from core.jobs import tasks
from core.jobs.draft_model import DraftModel, open_model
from core.jobs.failures import classify
from core.jobs.worker import leave_terminal, lower_priority, redirect_output
from core.models.model_folder import exported_file
from core.project.draft_models import check_model, check_useful
from core.system.child_processes import (
    PipeEnd,
    end_descendants_with_this_process,
    interrupt_blocked,
)
from core.system.errors import InputError
from core.system.files import make_folder
from core.system.gpu_environment.environment_folders import GpuEnvironment, switched_on
from core.system.gpu_environment.worker_entry import enter_environment

_LOG = logging.getLogger(__name__)
_END_WAIT_S = 5.0


class PredictionServer:
    """The asking side. ``predict`` may be called from any thread, one call goes after the other.

    Args:
        log: file that the process prints to; None for nowhere.
    """

    def __init__(self, *, log: Path | None = None) -> None:
        self._log = log
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._process: SpawnProcess | None = None
        self._pipe: PipeEnd | None = None
        self._environment: GpuEnvironment | None = None

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def predict(self, model_dir: Path, image: Path) -> Prediction:
        """Predict one image; blocks. The process is started where there is none.

        Raises:
            InputError: the model or the image cannot be used, or the process ended meanwhile.
        """
        check_model(model_dir)
        check_useful(model_dir)
        with self._turn:
            pipe = self._connect()
            try:
                request = {"model_dir": str(model_dir), "image": str(image)}
                pipe.send_bytes(json.dumps(request).encode())
                return _receive(pipe)
            except (EOFError, OSError) as error:
                self.close()
                raise InputError(
                    "The process that predicts ended before it was done: perhaps the memory was "
                    "not enough. Close other programs, or use a smaller model or image."
                ) from error

    def close(self) -> None:
        """End the process at once; a prediction under way fails. The next one starts another."""
        with self._state:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if process is not None:
            process.kill()
            process.join(_END_WAIT_S)
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()

    def _connect(self) -> PipeEnd:
        environment = switched_on()
        if environment != self._environment:  # a process stays with the engine that it has loaded
            self.close()
            self._environment = environment
        with self._state:
            if self._process is not None and self._pipe is not None and self._process.is_alive():
                return self._pipe
            if self._pipe is not None:
                self._pipe.close()
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            log = None
            if self._log is not None:
                make_folder(self._log.parent)
                log = str(self._log)
            # A daemon: it ends with the window, and by itself when the pipe does.
            self._process = context.Process(
                target=_serve, args=(theirs, log), name="prediction", daemon=True
            )
            with interrupt_blocked():
                self._process.start()
            theirs.close()
            self._pipe = ours
            return ours


def _receive(pipe: PipeEnd) -> Prediction:
    answer: dict[str, Any] = json.loads(pipe.recv_bytes())
    if "template" in answer:
        raise InputError(answer["template"], **answer["params"])
    height, width = answer["size"]
    label_map, confidence = (
        np.frombuffer(pipe.recv_bytes(), np.uint8).reshape(height, width) for _ in range(2)
    )
    return Prediction(
        label_map,
        confidence,
        Uncertainty(answer["entropy"], answer["margin"]),
        tuple(answer["labels"]),
    )


def _serve(pipe: PipeEnd, log: str | None) -> None:
    """The process: answer until the pipe ends."""
    leave_terminal()
    lower_priority()
    redirect_output(Path(os.devnull if log is None else log))
    end_descendants_with_this_process()
    loaded: dict[Path, DraftModel] = {}
    while True:
        try:
            request = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            prediction = _predict(loaded, Path(request["model_dir"]), Path(request["image"]))
        except Exception as error:
            if not isinstance(error, InputError):
                _LOG.exception("the prediction failed")
            failed = classify(error, spec=None, run_dir=Path(request["image"]).parent)
            answer = {"template": failed.template, "params": failed.params}
            pipe.send_bytes(json.dumps(answer).encode())
        else:
            _send(pipe, prediction)


def _predict(loaded: dict[Path, DraftModel], model_dir: Path, image: Path) -> Prediction:
    model = loaded.get(model_dir)
    if model is None:
        loaded.clear()  # one model's memory is enough
        if exported_file(model_dir) is None:
            # No self-test anew: a daemon may start no processes.
            enter_environment(
                "auto", warn=lambda problem: _LOG.warning("%s", problem), retest=False
            )
            tasks.choose_device("auto")
        model = loaded[model_dir] = open_model(model_dir)
    return model.predict(image)


def _send(pipe: PipeEnd, prediction: Prediction) -> None:
    header = {
        "size": prediction.label_map.shape,
        "entropy": prediction.uncertainty.entropy,
        "margin": prediction.uncertainty.margin,
        "labels": prediction.labels,
    }
    pipe.send_bytes(json.dumps(header).encode())
    for pixels in (prediction.label_map, prediction.confidence):
        pipe.send_bytes(np.ascontiguousarray(pixels).data.cast("B"))
