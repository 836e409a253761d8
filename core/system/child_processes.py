"""Processes that this one starts: they end with it, and Ctrl-C is this one's to answer.

On Linux and macOS a worker leads a process group, which is killed as a whole, and a signal can be
blocked while it starts. Windows has neither: a job object and the console's flag stand in for them.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import signal
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection as PipeEnd
else:
    from multiprocessing.connection import Connection as PipeEnd

__all__ = ["STOP_SIGNALS", "PipeEnd", "end_descendants_with_this_process", "interrupt_blocked"]

_LOG = logging.getLogger(__name__)

#: What a person or the system sends to end a command in order.
STOP_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
if sys.platform == "win32":
    STOP_SIGNALS += (signal.SIGBREAK,)  # Ctrl-Break; SIGTERM is never sent there


def end_descendants_with_this_process() -> None:
    """Let Windows end all that this process starts from now on when it ends, however it ends.

    For workers, not for the window: a browser or a file manager that it opens would end with it.
    Elsewhere nothing is done; see ``core.jobs.process``. A refusal is logged.
    """
    if sys.platform == "win32" and _State.job is None:
        try:
            _State.job = _job_of_this_process()
        except OSError as error:
            _LOG.warning("what this process starts may outlive it: %s", error)


@contextlib.contextmanager
def interrupt_blocked() -> Iterator[None]:
    """Keep Ctrl-C from a child that is started within, until it has left the terminal.

    On Windows the child ignores it for good, and a Ctrl-C within the block is lost.
    """
    if sys.platform == "win32":
        # The flag is inherited; there is no group to leave as elsewhere.
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.SetConsoleCtrlHandler(None, True)
        try:
            yield
        finally:
            kernel.SetConsoleCtrlHandler(None, False)
    else:
        # Started with the first child otherwise, and starting it lets Ctrl-C through again.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _State:
    #: Handle of the job object; closed by the system when the process ends, which ends the job.
    job: int | None = None


if sys.platform == "win32":
    from ctypes import wintypes

    _EXTENDED_LIMITS = 9
    _KILL_ON_CLOSE = 0x2000

    class _BasicLimits(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        )

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    def _job_of_this_process() -> int:
        """Put this process into a job of its own and return the job's handle.

        Raises:
            OSError: as the system reports it.
        """
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
        kernel.SetInformationJobObject.argtypes = (
            wintypes.HANDLE,
            ctypes.c_int,
            ctypes.c_void_p,
            wintypes.DWORD,
        )
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        job = kernel.CreateJobObjectW(None, None)
        if not job:
            raise ctypes.WinError(ctypes.get_last_error())
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_CLOSE
        if not kernel.SetInformationJobObject(
            job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
        ) or not kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess()):
            error = ctypes.WinError(ctypes.get_last_error())
            kernel.CloseHandle(job)
            raise error
        return int(job)
