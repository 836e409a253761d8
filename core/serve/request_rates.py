"""How many requests a client may send: a bucket of permits for each address."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST_CLIENTS: Final = 10_000
#: What one household or firm is given of the addresses of version 6.
_NETWORK_BITS: Final = 64


class RequestRates:
    """Permits that fill up with time, at most two seconds' worth of them.

    Args:
        rate: permits a second of each client.
        clock: seconds that only grow.
    """

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = max(1.0, 2 * rate)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, address: str) -> float:
        """Take a permit of a client; returns 0, or the seconds until there is one."""
        client = _network(address)
        now = self._clock()
        permits, before = self._buckets.pop(client, (self._most, now))
        permits = min(self._most, permits + (now - before) * self._rate)
        is_free = permits >= 1
        self._buckets[client] = (permits - is_free, now)
        while len(self._buckets) > _MOST_CLIENTS:  # those that were silent longest
            self._buckets.popitem(last=False)
        return 0.0 if is_free else (1 - permits) / self._rate


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
