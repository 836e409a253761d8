"""Several processes (ranks) that do one training: the worker starts them and watches over them.

The worker itself stays out of the engine, so that a rank that dies, whose partners the engine
ends or leaves hanging, still gets its sentence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from core.jobs import tasks
from core.jobs.event_reporter import JobReporter
from core.jobs.failures import classify, make_failed, oom_kill_count, worker_died
from core.runs.events import TERMINAL, Cancelled, Done, Event, Failed, Started, from_json, to_json
from core.runs.kind_lookup import job_kind, spec_from_json, spec_to_json
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.system.child_processes import PipeEnd
from core.system.device_choice import launched_ranks, parse_device
from core.system.devices import usable_cores
from core.system.messages import message
from core.system.reporting import Reporter, StopRequested

#: How long, after something went wrong, to wait for what may explain it better.
_EXPLANATION_S = 3.0
_FAREWELL_S = 10.0
_START, _READY, _EVENT = "start", "ready", "event"
_CAUSES = ("bad_input", "disk_full", "oom", "killed", "bug")
_LOG = logging.getLogger(__name__)

Emit = Callable[[Event], None]


def needs_ranks(spec: JobSpec) -> bool:
    """Whether ``spec`` is done by several processes: of its device, or of a launcher."""
    if not job_kind(spec).distributed:
        return False
    return parse_device(spec.device).is_several or launched_ranks()[1] > 1


def run_together(spec: JobSpec, run: RunFolder, reporter: JobReporter, emit: Emit) -> Event:
    """Do the training with all ranks that belong on this machine; return its last event.

    Under a launcher, which starts the other ranks, that is rank 0 alone.
    """
    team = _Team(spec, run, emit)
    try:
        team.start()
        reporter.relay(team.command)
        outcome = team.watch()
    finally:
        team.end()
    return Cancelled(reporter.stop_reason) if isinstance(outcome, Cancelled) else outcome


def follow(device: str) -> None:
    """Take part, as a launcher's process other than rank 0, in the training that rank 0 leads.

    Raises:
        InputError: no such device, or the data cannot be used here.
        StopRequested: rank 0 stopped.
    """
    from core.training import distributed

    ranks = distributed.join(device)
    spec = spec_from_json(ranks.share(None)["spec"])
    tasks.run_task(spec, RunFolder(Path.cwd()), Reporter())


class _Team:
    def __init__(self, spec: JobSpec, run: RunFolder, emit: Emit) -> None:
        self._spec, self._run, self._emit = spec, run, emit
        self._processes: list[SpawnProcess] = []
        self._controls: list[PipeEnd] = []
        self._channels: dict[PipeEnd, int] = {}
        self._ended: dict[int, Event] = {}
        self._ready: set[int] = set()
        self._oom_kills = oom_kill_count()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        for rank, environment in enumerate(_environments(self._spec)):
            control_reader, control = context.Pipe(duplex=False)
            channel, channel_writer = context.Pipe(duplex=False)
            process = context.Process(
                target=run_rank,
                args=(
                    str(self._run.path),
                    self._spec.device,
                    rank,
                    environment,
                    control_reader,
                    channel_writer,
                ),
                name=f"rank {rank}",
                daemon=False,  # data loading has children of its own
            )
            process.start()
            control_reader.close()
            channel_writer.close()
            self._processes.append(process)
            self._controls.append(control)
            self._channels[channel] = rank

    def command(self, name: str) -> None:
        """Tell rank 0 to pause, resume, stop or show."""
        with contextlib.suppress(OSError):  # it has just ended
            self._controls[0].send_bytes(name.encode())

    def watch(self) -> Event:
        """Pass on what rank 0 tells until the training ended or cannot go on."""
        deadline: float | None = None
        while True:
            self._receive()
            failures = [event for event in self._ended.values() if isinstance(event, Failed)]
            if failures and deadline is None:
                deadline = time.monotonic() + _EXPLANATION_S
            everyone = len(self._ended) == len(self._processes)
            if deadline is not None and (everyone or time.monotonic() > deadline):
                return min(failures, key=lambda failed: _CAUSES.index(failed.kind))
            if not failures and 0 in self._ended:
                return self._ended[0]

    def end(self) -> None:
        """Give the ranks a moment to end after the training, then end them."""
        give_up = time.monotonic() + (
            0 if any(isinstance(one, Failed) for one in self._ended.values()) else _FAREWELL_S
        )
        for process in self._processes:
            process.join(max(0.0, give_up - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _receive(self) -> None:
        alive = [one.sentinel for one in self._processes if self._rank(one) not in self._ended]
        for ready in wait([*self._channels, *alive], timeout=0.5):
            if isinstance(ready, PipeEnd):
                self._hear(ready)
        for process in self._processes:
            rank = self._rank(process)
            if rank in self._ended or process.is_alive():
                continue
            if any(one.poll() for one, number in self._channels.items() if number == rank):
                continue  # its last words first
            self._ended[rank] = self._death(rank, process.exitcode or 0)

    def _hear(self, channel: PipeEnd) -> None:
        rank = self._channels[channel]
        try:
            told = json.loads(channel.recv_bytes())
        except (EOFError, OSError):
            del self._channels[channel]
            return
        if told["kind"] == _READY:
            self._ready.add(rank)
            if len(self._ready) == len(self._processes):
                # Only now: while it waits for the others, the engine hears nothing else.
                self._emit(Started(self._spec.kind, os.getpid(), self._spec.device))
                for control in self._controls:
                    with contextlib.suppress(OSError):
                        control.send_bytes(_START.encode())
            return
        event = from_json(told["line"])
        if isinstance(event, TERMINAL):
            self._ended[rank] = event
        else:
            self._emit(event)

    def _death(self, rank: int, exitcode: int) -> Event:
        failed = worker_died(
            exitcode, self._run, spec=self._spec, oom_kills=oom_kill_count() - self._oom_kills
        )
        _LOG.error("rank %d ended with exit code %d", rank, exitcode)
        if failed.kind != "killed":
            return failed
        what = message(
            "Process {number} of the {count} that train together was ended from outside.",
            number=rank + 1,
            count=len(self._processes),
        )
        return dataclasses.replace(
            failed, message=str(what), template=what.template, params=dict(what.params)
        )

    def _rank(self, process: SpawnProcess) -> int:
        return self._processes.index(process)


def run_rank(
    run_dir: str,
    device: str,
    rank: int,
    environment: Mapping[str, str],
    control: PipeEnd,
    channel: PipeEnd,
) -> None:
    """Entry of a rank's process.

    Args:
        run_dir: the run folder.
        device: of all ranks; where the run folder says ``auto``, what was chosen.
        rank: its number among those of this machine.
        environment: variables that tell the engine of the other ranks; empty under a launcher,
            which has set them.
        control: readable end; names of commands.
        channel: writable end; JSON objects with ``kind`` and ``line``.
    """
    os.environ.update(environment)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s %(levelname)s rank {rank} %(name)s: %(message)s"
    )
    sending = threading.Lock()

    def tell(kind: str, line: str = "") -> None:
        with sending, contextlib.suppress(OSError):
            channel.send_bytes(json.dumps({"kind": kind, "line": line}).encode())

    last = _work(run_dir, device, rank, control, tell, local=bool(environment))
    tell(_EVENT, to_json(last))


def _work(
    run_dir: str,
    device: str,
    rank: int,
    control: PipeEnd,
    tell: Callable[..., None],
    *,
    local: bool,
) -> Event:
    run = RunFolder(run_dir)
    spec: JobSpec | None = None
    reporter: JobReporter | None = None
    try:
        spec = run.spec.model_copy(update={"device": device})
        from core.training import distributed

        if local:
            tasks.choose_device(parse_device(spec.device).names[rank])
        tell(_READY)
        # Here a stop can come before the start.
        while (command := control.recv_bytes().decode()) != _START:
            if command == "stop":
                raise StopRequested
        if rank == 0:
            reporter = JobReporter(lambda event: tell(_EVENT, to_json(event)), run.path)
            threading.Thread(target=_listen, args=(control, reporter), daemon=True).start()
        shared = distributed.join(spec.device).share({"spec": spec_to_json(spec)})
        told = spec_from_json(shared["spec"])
        return Done(tasks.run_task(told, run, reporter or Reporter()))
    except StopRequested:
        return Cancelled("user")
    except ConnectionError:
        _LOG.exception("another process of the training is gone")
        gone = message("A process of the training ended, and the others with it.")
        return make_failed("bug", gone, message("Details are in {log}.", log=run.log_path))
    except BaseException as error:
        _LOG.exception("rank %d failed", rank)
        return classify(error, spec=spec, run_dir=run.path)
    finally:
        if reporter is not None:
            reporter.close()


def _listen(control: PipeEnd, reporter: JobReporter) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            reporter.request(control.recv_bytes().decode())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _environments(spec: JobSpec) -> list[dict[str, str]]:
    """The variables of each rank on this machine."""
    choice = parse_device(spec.device)
    if launched_ranks()[1] > 1:
        return [{}]  # the launcher has set them
    count = len(choice.names)
    endpoints = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    threads = str(max(1, usable_cores() // count))
    environments = []
    for rank, name in enumerate(choice.names):
        environment = {
            "PADDLE_TRAINER_ID": str(rank),
            "PADDLE_TRAINERS_NUM": str(count),
            "PADDLE_TRAINER_ENDPOINTS": ",".join(endpoints),
            "PADDLE_CURRENT_ENDPOINT": endpoints[rank],
        }
        if choice.kind == "gpu":
            environment["FLAGS_selected_gpus"] = name.partition(":")[2]
        else:
            environment["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", threads)
        environments.append(environment)
    return environments


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets: list[Any] = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [one.getsockname()[1] for one in sockets]
