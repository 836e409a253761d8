"""How fast a service answers under many clients, each with its own connection.

Starts ``main.py serve`` on a free port, or asks one that runs already. Every client sends the next
image as soon as it has its answer. Images have three widths, and the one that comes back is
compared.

    uv run benchmarks/serve.py --export DIR [--clients 32] [--seconds 20] [--size 256x256]
    uv run benchmarks/serve.py --url http://127.0.0.1:8000 [--token-file FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import httpx
import numpy as np

ROOT = Path(__file__).parents[1]
SIZES = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if an answer was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--export", type=Path, metavar="DIR")
    source.add_argument("--url")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--size", default="256x256", metavar="WxH")
    parser.add_argument("--images", type=Path, metavar="DIR", help="PNG files instead of noise")
    parser.add_argument("--output", choices=("json", "mask", "overlay"), default="json")
    parser.add_argument("--token-file", type=Path)
    parser.add_argument("--serve", nargs=argparse.REMAINDER, default=[], help="for the command")
    options = parser.parse_args(argv)
    bodies = images_of(options)
    if options.url:
        result = measure(options.url, bodies, options)
    else:
        with subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "main.py"), "serve", "--port", "0"),
                *("--export", str(options.export), *options.serve),
            ],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                found = re.search(r"http://\S+", line)
                if found is None:
                    return 1
                result = measure(found[0].rstrip("/"), bodies, options)
                process.send_signal(signal.SIGTERM)
                result["exit_code"] = process.wait(60)
            finally:
                process.kill()
    print(json.dumps(result, indent=1))
    return int(bool(result["wrong"] or result["failed"]))


def images_of(options: argparse.Namespace) -> list[tuple[int, bytes]]:
    """Return (width, bytes of a PNG) of images to send; widths differ by a pixel or two."""
    if options.images:
        files = sorted(options.images.glob("*.png"))
        found = [(cv2.imread(str(file)), file.read_bytes()) for file in files]
        return [(image.shape[1], data) for image, data in found if image is not None]
    width, height = (int(side) for side in options.size.lower().split("x"))
    rng = np.random.default_rng(0)
    bodies = []
    for number in range(4 * SIZES):
        wide = width + number % SIZES
        small = rng.integers(60, 220, (max(2, height // 16), max(2, wide // 16), 3))
        image = cv2.resize(small.astype(np.uint8), (wide, height), interpolation=cv2.INTER_CUBIC)
        bodies.append((wide, cv2.imencode(".png", image)[1].tobytes()))
    return bodies


def measure(
    url: str, bodies: list[tuple[int, bytes]], options: argparse.Namespace
) -> dict[str, object]:
    """Ask with many clients for a time; returns the figures."""
    headers = {"Content-Type": "image/png"}
    if options.token_file:
        headers["Authorization"] = f"Bearer {options.token_file.read_text('ascii').strip()}"
    seconds: list[float] = []
    failed: dict[str, int] = {}
    wrong = 0
    lock = threading.Lock()
    before = figures_of(url, headers)
    end = time.monotonic() + options.seconds

    def client(number: int) -> None:
        nonlocal wrong
        turn = number
        with httpx.Client(base_url=url, headers=headers, timeout=120) as http:
            while time.monotonic() < end:
                width, body = bodies[turn % len(bodies)]
                turn += 1
                start = time.perf_counter()
                try:
                    answer = http.post(f"/predict?output={options.output}", content=body)
                    problem = "" if answer.status_code == 200 else str(answer.status_code)
                except httpx.HTTPError as error:
                    problem = type(error).__name__
                took = time.perf_counter() - start
                with lock:
                    if problem:
                        failed[problem] = failed.get(problem, 0) + 1
                    else:
                        seconds.append(took)
                        wrong += width_of(answer, options.output) != width

    started = time.monotonic()
    threads = [threading.Thread(target=client, args=(one,)) for one in range(options.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - started
    after = figures_of(url, headers)
    images, batches, cpu = (
        after.get(name, 0) - before.get(name, 0)
        for name in (
            "maskwright_batch_images_sum",
            "maskwright_batch_images_count",
            "process_cpu_seconds_total",
        )
    )
    milliseconds = 1000 * np.array(seconds or [np.nan])
    return {
        "clients": options.clients,
        "answers": len(seconds),
        "wrong": wrong,
        "failed": failed,
        "images_per_second": round(len(seconds) / elapsed, 2),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 1),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 1),
        "p99_ms": round(float(np.percentile(milliseconds, 99)), 1),
        "max_ms": round(float(milliseconds.max()), 1),
        "images_per_batch": round(images / batches, 2) if batches else None,
        "service_cpu_ms_per_image": round(1000 * cpu / images, 2) if images else None,
    }


def width_of(answer: httpx.Response, output: str) -> int:
    """Return the width of what came back."""
    if output == "json":
        return int(answer.json()["width"])
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    return int(image.shape[1])


def figures_of(url: str, headers: dict[str, str]) -> dict[str, float]:
    """Return what the service counts of itself, on systems where all of it is known."""
    text = httpx.get(f"{url}/metrics", headers=headers, timeout=60).text
    found = re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


if __name__ == "__main__":
    sys.exit(main())
