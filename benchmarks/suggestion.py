"""What the suggested settings come to: nothing is set but the data and the time.

    uv run benchmarks/suggestion.py DATA… [--minutes 10] [--seeds 0,1,2] [--split val] [--model M]

For each data folder (SEG layout, or a project) and each seed it trains with ``main.py train``, then
measures with ``main.py evaluate``, and prints mIoU, the IoU of each class, and what the training
took by the clock, the start of the engine included; at the end the means. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Run:
    """One training and its measurement; ``seconds`` by the clock."""

    seconds: float
    miou: float
    classes: tuple[float | None, ...]
    level: str


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--split", default="val", choices=("val", "test"))
    parser.add_argument("--model", default="auto")
    args = parser.parse_args()
    for data in args.data:
        print(f"\n{data.name}, {args.minutes:g} minutes, {args.split}", flush=True)
        runs = []
        for seed in args.seeds.split(","):
            runs.append(_run(data, args.minutes, int(seed), args.split, args.model))
            _print(f"seed {seed}", runs[-1])
        scores = np.array([run.miou for run in runs])
        print(f"mean {scores.mean():.3f} ± {scores.std():.3f}", flush=True)


def _run(data: Path, minutes: float, seed: int, split: str, model: str) -> Run:
    with tempfile.TemporaryDirectory(prefix="suggestion-") as folder:
        out = Path(folder) / "run"
        begin = time.perf_counter()
        trained = _command(
            "train", "--data", data, "--out", out, "--minutes", minutes, "--seed", seed,
            "--model", model,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        measured = _command(
            "evaluate", "--model-dir", trained["best_model"], "--data", data, "--split", split
        )
    level = (measured.get("verdict") or {}).get("level", "")
    return Run(seconds, measured["miou"], tuple(measured["category_iou"]), level)


def _command(*arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *map(str, arguments), "--json"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        sys.exit(f"{arguments[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def _print(name: str, run: Run) -> None:
    classes = " ".join("  –  " if one is None else f"{one:.3f}" for one in run.classes)
    print(f"{name}: mIoU {run.miou:.3f}  [{classes}]  {run.seconds:.0f} s  {run.level}", flush=True)


if __name__ == "__main__":
    main()
