"""Whether exports of trained networks do what the networks do, in every format.

    uv run benchmarks/export_agreement.py DATA [--minutes 1.5] [--networks FastSCNN,UNet]
        [--variants float,pruned,int8] [--formats onnx,openvino,paddle] [--keep DIR]

Trains each network on a data folder (SEG layout, or a project) for so long, removes a third of its
operations, quantises it, exports all three, and has ``main.py verify`` compare every file with its
network on the validation images, at their own size. Weights that are drawn tell little of int8:
they amplify a rounding of a thousandth until it decides. Every step is a command as users give it;
with ``--keep`` a second run goes on from the models that are there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("FastSCNN", "UNet", "BiSeNetV2", "HRNet", "DeepLabV3P", "EfficientNetFPN")
VARIANTS = ("float", "pruned", "int8")
FORMATS = ("onnx", "openvino", "paddle")
COLUMNS = "{:<16} {:<7} {:<9} {:>9} {:>11} {:>7} {:>7} {:>9}  {}"


def main() -> int:
    """Print a line for each file; returns how many do not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=1.5, help="for each training")
    parser.add_argument("--networks", type=_names(NETWORKS), default=NETWORKS)
    parser.add_argument("--variants", type=_names(VARIANTS), default=VARIANTS)
    parser.add_argument("--formats", type=_names(FORMATS), default=FORMATS)
    parser.add_argument("--keep", type=Path, help="folder for the models")
    given = parser.parse_args()
    titles = ("network", "variant", "format", "agreement", "worst image", "model", "export")
    print(COLUMNS.format(*titles, "scores", ""))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="agreement-") as temporary:
        place = given.keep or Path(temporary)
        for network in given.networks:
            models = make_models(given.data, place / network, network, given.minutes)
            for variant in given.variants:
                for form in given.formats:
                    found = verify(models[variant], given.data, form)
                    failed += not found["verified"]
                    print(line(network, variant, form, found), flush=True)
    return failed


def make_models(data: Path, place: Path, network: str, minutes: float) -> dict[str, Path]:
    """Return the model folders of a network by variant; trains what is not there yet."""
    trained = place / "float" / "best_model"
    if not (trained / ".success").is_file():
        command(
            *("train", "--data", data, "--out", place / "float", "--model", network),
            *("--minutes", minutes, "--seed", 0),
        )
    kept: dict[str, Path] = {"float": trained}
    options = {
        "pruned": ("prune", "--flops", 0.33, "--finetune-epochs", 2),
        "int8": ("quantize",),
    }
    for variant, (name, *more) in options.items():
        note = place / f"{variant}.json"
        if not note.is_file():
            result = command(
                *(name, "--model-dir", trained, "--data", data, "--out", place / variant), *more
            )
            note.write_text(json.dumps(result), encoding="utf-8")
        kept[variant] = Path(json.loads(note.read_text(encoding="utf-8"))["model_dir"])
    return kept


def verify(model: Path, data: Path, form: str) -> dict[str, Any]:
    """Return what ``verify`` finds of a fresh export."""
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        export = Path(folder) / "export"
        command("export", "--model-dir", model, "--out", export, "--format", form)
        return command(
            "verify", "--export", export, "--model-dir", model, "--data", data, allowed=(0, 2)
        )


def line(network: str, variant: str, form: str, found: dict[str, Any]) -> str:
    """Return a line of the table."""
    worst = found["worst_image"]
    return COLUMNS.format(
        network,
        variant,
        form,
        _percent(found["agreement"]),
        "–" if worst is None else _percent(worst["agreement"]),
        _number(found["miou_model"], 4),
        _number(found["miou_export"], 4),
        _number(found["largest_difference"], 6),
        "verified" if found["verified"] else f"NOT: {found['problem']}",
    )


def command(*arguments: object, allowed: Sequence[int] = (0,)) -> dict[str, Any]:
    """Run one command of the program; returns its JSON."""
    given = [str(one) for one in arguments]
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *given, "--json"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode not in allowed or not done.stdout.strip():
        raise SystemExit(f"{' '.join(given)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _names(allowed: Sequence[str]) -> Any:
    def names(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        if unknown := set(chosen) - set(allowed):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {allowed}")
        return chosen

    return names


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.4%}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    sys.exit(min(main(), 1))
