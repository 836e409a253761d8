"""Several processes (ranks) that train one network together.

Gradients and counts go through ``paddle.distributed``: NCCL between GPUs, gloo between processes
on the processor. What the ranks must agree on at a step boundary (go on or stop) goes through
plain sockets beside it: a collective operation would make a GPU wait at every step, and would
give up while a training is paused.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import select
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paddle

from core.prediction.paddle_predictor import select_device
from core.system.device_choice import launched_ranks
from core.system.reporting import StopRequested
from core.training.batch_norm import synchronized_batch_norm

_GO, _STOP = b"g", b"s"
_GPU = "FLAGS_selected_gpus"  # how a launcher assigns one
_TOKEN_BYTES = 16
_CONNECT_TIMEOUT_S = 120.0

_joined: Ranks | None = None


def join(device: str | None = None) -> Ranks:
    """Join the other ranks that the environment names; without any, this process is alone.

    Args:
        device: ``"cpu"`` for the processor; anything else, and None, for the GPU that the
            launcher assigned to this rank.

    Raises:
        InputError: no such device.
    """
    global _joined
    if _joined is not None:
        return _joined
    rank, size = launched_ranks()
    if size == 1:
        return Ranks(0, 1)
    gpu = os.environ.get(_GPU, "")
    wants_gpu = device is not None and device.startswith("gpu")
    if wants_gpu or (gpu.isdecimal() and device in (None, "auto")):
        name = select_device(f"gpu:{gpu}" if gpu.isdecimal() else "gpu")
    else:
        name = select_device("cpu")
    on_gpu = name.startswith("gpu")
    os.environ["PADDLE_DISTRI_BACKEND"] = "nccl" if on_gpu else "gloo"
    if on_gpu:
        os.environ[_GPU] = name.partition(":")[2]
    paddle.distributed.init_parallel_env()
    _joined = Ranks(rank, size)
    _joined._open_channel()
    return _joined


class Ranks:
    """This process among those that train together.

    Every method with “all ranks” in its description must be called by all of them, in the same
    order. Alone (``size`` 1) they do nothing.

    Attributes:
        rank: 0 … size - 1; rank 0 writes, reports, and decides when to stop.
        size: how many there are.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size
        self._followers: list[socket.socket] = []  # of rank 0
        self._leader: socket.socket | None = None  # of the others
        self._wrapped: dict[int, tuple[Any, Any]] = {}

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def agree(self, check: Callable[[], None]) -> None:
        """A boundary for all ranks: rank 0 calls ``check``, which may block or stop them all.

        Raises:
            StopRequested: rank 0's ``check`` raised it.
        """
        if not self.leads:
            if self._receive(1) == _STOP:
                raise StopRequested
            return
        try:
            check()
        except StopRequested:
            self._send(_STOP)
            raise
        self._send(_GO)

    def check_between(self, check: Callable[[], None]) -> None:
        """As ``agree`` inside work that ends with ``agree``: ranks may call it at any time."""
        if self.leads:
            try:
                check()
            except StopRequested:
                self._send(_STOP)
                raise
        elif self._leader is not None:
            # Rank 0 may be at the closing ``agree`` already: look, and leave that for it.
            told = select.select([self._leader], [], [], 0)[0]
            if told and self._leader.recv(1, socket.MSG_PEEK) != _GO:
                self.agree(check)

    def wait_for_leader(self) -> None:
        """All ranks but rank 0 wait until it says ``let_others_go``."""
        if not self.leads:
            self._receive(1)

    def let_others_go(self) -> None:
        """End the ``wait_for_leader`` of the others."""
        self._send(_GO)

    def synchronized_batch_norm(self, net: Any) -> contextlib.AbstractContextManager[None]:
        """Within, batch norms measure the batch of all ranks; the engine has that for GPUs."""
        on_gpu = paddle.get_device().startswith("gpu")
        return synchronized_batch_norm(net, on=self.size > 1 and on_gpu)

    def share(self, value: Any) -> Any:
        """Return rank 0's ``value``, a JSON value, on all ranks."""
        if self.size == 1:
            return value
        if self.leads:
            content = json.dumps(value).encode()
            self._send(len(content).to_bytes(8, "big") + content)
            return value
        return json.loads(self._receive(int.from_bytes(self._receive(8), "big")))

    def sum_(self, tensor: Any) -> Any:
        """Add up ``tensor`` over all ranks, in place; return it."""
        if self.size > 1:
            paddle.distributed.all_reduce(tensor)
        return tensor

    def mean_(self, tensors: Sequence[Any]) -> None:
        """Replace float32 ``tensors`` by their means over all ranks, in one exchange."""
        if self.size == 1 or not tensors:
            return
        with paddle.no_grad():
            flat = self.sum_(paddle.concat([tensor.flatten() for tensor in tensors])) / self.size
            parts = paddle.split(flat, [tensor.size for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                paddle.assign(part.reshape(tensor.shape), tensor)

    def copy_from_leader_(self, tensors: Sequence[Any]) -> None:
        """Give ``tensors`` rank 0's content on all ranks."""
        if self.size > 1:
            for tensor in tensors:
                paddle.distributed.broadcast(tensor, 0)

    def data_parallel(self, net: Any) -> Any:
        """Return ``net`` such that its gradients are means over all ranks.

        All ranks' weights become rank 0's. Every parameter takes part in every step, so the
        search for unused ones is off.
        """
        if self.size == 1:
            return net
        if id(net) not in self._wrapped:  # its hooks stay on the parameters
            self._wrapped[id(net)] = (net, paddle.DataParallel(net))
        return self._wrapped[id(net)][1]

    def _open_channel(self) -> None:
        """Connect all ranks to rank 0; the address travels through the engine's own group."""
        if self.leads:
            with socket.create_server(("", 0), backlog=self.size) as server:
                token = secrets.token_bytes(_TOKEN_BYTES)
                self._tell(server.getsockname()[1], token)
                self._followers = list(_accepted(server, token, self.size - 1))
            return
        port, token = self._tell(0, bytes(_TOKEN_BYTES))
        channel = socket.create_connection((_leader_host(), port), timeout=_CONNECT_TIMEOUT_S)
        channel.settimeout(None)  # a pause may take days
        _tune(channel)
        channel.sendall(token)
        self._leader = channel

    def _tell(self, port: int, token: bytes) -> tuple[int, bytes]:
        numbers = paddle.to_tensor([port, *token], dtype="int64")
        paddle.distributed.broadcast(numbers, 0)
        values = numbers.tolist()
        return values[0], bytes(values[1:])

    def _send(self, content: bytes) -> None:
        for channel in self._followers:
            channel.sendall(content)

    def _receive(self, count: int) -> bytes:
        if self._leader is None:
            raise RuntimeError("these ranks are not connected")
        return _read(self._leader, count)


def _leader_host() -> str:
    first = os.environ.get("PADDLE_TRAINER_ENDPOINTS", "").partition(",")[0]
    return (os.environ.get("PADDLE_MASTER") or first).removeprefix("http://").rpartition(":")[0]


def _accepted(server: socket.socket, token: bytes, count: int) -> Iterator[socket.socket]:
    """Yield ``count`` connections that know the token; others are turned away."""
    server.settimeout(_CONNECT_TIMEOUT_S)
    while count:
        channel, _ = server.accept()
        channel.settimeout(_CONNECT_TIMEOUT_S)
        with contextlib.suppress(OSError):
            given = _read(channel, _TOKEN_BYTES)
            if hmac.compare_digest(given, token):
                channel.settimeout(None)
                _tune(channel)
                count -= 1
                yield channel
                continue
        channel.close()


def _read(channel: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = channel.recv(count - len(content))
        if not part:
            raise ConnectionError("the other end of the training is gone")
        content += part
    return content


def _tune(channel: socket.socket) -> None:
    """Send single bytes at once, and notice a peer that was switched off."""
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
