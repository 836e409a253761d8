"""What Prometheus can read of a service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import choose_encoder
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from core.serve.image_judge import ModelFacts

PATHS: Final = frozenset({"/", "/health", "/metrics", "/model", "/openapi.json", "/predict"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)


class ServiceMetrics:
    """Counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter(
            "maskwright_requests",
            "Requests by path and status; 499: the client went away.",
            ("path", "status"),
            registry=registry,
        )
        self._latency = Histogram(
            "maskwright_request_seconds",
            "From a request's headers to the end of its answer, by path.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._images = Counter(
            "maskwright_images", "Images judged, by outcome.", ("outcome",), registry=registry
        )
        self._batch = Histogram(
            "maskwright_batch_images",
            "Images computed together.",
            buckets=_BATCHES,
            registry=registry,
        )
        self._computing = Histogram(
            "maskwright_batch_seconds",
            "How long a batch was computed.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._queue = Gauge("maskwright_queue_length", "Images that wait.", registry=registry)
        self._memory = Gauge("maskwright_held_bytes", "Bytes held for requests.", registry=registry)

    def describe(self, facts: ModelFacts) -> None:
        """Say what is served."""
        values = {name: value or "" for name, value in asdict(facts).items()}
        Info("maskwright_model", "What is served.", registry=self._registry).info(values)

    def watch(self, *, queue: Callable[[], float], memory: Callable[[], float]) -> None:
        """Read the queue's length and the bytes held whenever they are asked for."""
        self._queue.set_function(queue)
        self._memory.set_function(memory)

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count an answer; paths that do not exist count together."""
        known = path if path in PATHS else "other"
        self._requests.labels(known, str(status)).inc()
        self._latency.labels(known).observe(seconds)

    def count_image(self, outcome: str) -> None:
        """Count an image that was judged."""
        self._images.labels(outcome).inc()

    def count_batch(self, size: int, seconds: float) -> None:
        """Count a batch that was computed."""
        self._batch.observe(size)
        self._computing.observe(seconds)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all of it and its content type, in the form that an ``Accept`` header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
