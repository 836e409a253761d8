"""The commands of a bundle's ``predict.py``."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from .deciding import Outcome
from .line_predictor import LinePredictor
from .machine_kind import this_machine
from .portable_error import PortableError
from .result_files import ResultFiles, check_free
from .rules import parse_rules
from .selftest import Selftest, run_selftest
from .settings import Settings
from .sources import ImageSource

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
#: Exit codes of the outcomes, from the best to the worst.
EXIT_OUTCOMES: Final[dict[Outcome, int]] = {
    "accept": EXIT_OK,
    "warn": 10,
    "inconclusive": 11,
    "reject": 12,
}
_CODES: Final = """exit codes:
   0  every image is accepted; selftest: all holds
   1  an image cannot be read or computed; selftest: something does not hold
   2  the command or the bundle is wrong
  10  the worst outcome of all images is warn
  11  … inconclusive: a person is to look
  12  … reject"""


def run_command(folder: Path, arguments: Sequence[str]) -> int:
    """Do what ``predict.py`` was called with; returns the exit code.

    Args:
        folder: of the bundle.
        arguments: without the program's name.
    """
    is_selftest = list(arguments[:1]) == ["selftest"]
    asked = _parse(arguments[1:] if is_selftest else arguments, is_selftest=is_selftest)
    if isinstance(asked, int):
        return asked
    try:
        predictor = LinePredictor(folder, runtime=asked.runtime, threads=asked.threads)
        if is_selftest:
            return _selftest(folder, predictor, as_json=asked.json)
        return _predict(predictor, asked)
    except PortableError as error:
        print(f"predict.py: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"predict.py: {error.filename}: {error.strerror or error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("predict.py: stopped", file=sys.stderr)
        return EXIT_FAILED


def _parse(arguments: Sequence[str], *, is_selftest: bool) -> argparse.Namespace | int:
    """Return what was asked, or the exit code of who asked for help or asked wrongly."""
    parser = argparse.ArgumentParser(
        prog="predict.py selftest" if is_selftest else "predict.py",
        description="Check the bundle and compare what it computes here with what it computed "
        "where it was made."
        if is_selftest
        else "Judge images: masks, overlay pictures, results.csv, objects.csv and results.json. "
        "“predict.py selftest” checks the bundle.",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runtime", default="auto", help="onnxruntime (default) or openvino")
    parser.add_argument("--threads", type=int, help="that compute; default: one on each core")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    if not is_selftest:
        parser.add_argument(
            "images",
            nargs="+",
            metavar="IMAGE|FOLDER",
            help="images, folders, videos, or cameras as camera:0",
        )
        parser.add_argument("--out", required=True, metavar="DIR", help="folder for the results")
        parser.add_argument(
            "--rule",
            action="append",
            metavar="TEXT",
            help="decide by this instead of the bundle's rules; may be given several times",
        )
        parser.add_argument("--pixel-size-mm", type=float, metavar="MM", help="side of a pixel")
        parser.add_argument("--every", type=int, default=1, help="take every Nth frame of videos")
        parser.add_argument(
            "--overwrite", action="store_true", help="replace the results of an earlier run"
        )
        parser.add_argument("--no-overlays", action="store_true", help="write no overlay pictures")
    try:
        return parser.parse_args(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_USAGE


def _selftest(folder: Path, predictor: LinePredictor, *, as_json: bool) -> int:
    result = run_selftest(folder, predictor)
    for line in selftest_lines(result):
        print(line)
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    return EXIT_OK if result.passed else EXIT_FAILED


def selftest_lines(result: Selftest) -> list[str]:
    """Return what a selftest found, in lines for people."""
    lines = [f"machine: {result.machine}"]
    if result.same_kind is None:
        lines.append(
            "samples: there are none in this bundle; only the files were checked and an even "
            "image computed"
        )
    else:
        lines += [
            f"sample {one.image}: {one.differing} of {one.pixels} pixels differ"
            for one in result.samples
        ]
        place = "the kind of machine on which the bundle was made"
        kind = f"this is {place}" if result.same_kind else f"this is not {place}"
        if result.share is not None:
            lines.append(
                f"samples: {result.share:.4%} of the pixels differ, {result.bound:.4%} may ({kind})"
            )
    lines += [f"FAILED: {one}" for one in result.problems]
    lines.append("selftest passed" if result.passed else "selftest FAILED")
    return lines


def _predict(predictor: LinePredictor, asked: argparse.Namespace) -> int:
    settings = _settings(predictor, asked)
    facts: dict[str, Any] = {
        "model": predictor.manifest.model,
        "labels": list(predictor.labels),
        "revision": predictor.manifest.revision,
        "settings": settings.to_dict(),
        "machine": this_machine(predictor.runtime).to_dict(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    worst = EXIT_OK
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(ImageSource(asked.images, every=asked.every))
        check_free(asked.out, source.files, overwrite=asked.overwrite)
        results = opened.enter_context(
            ResultFiles(asked.out, predictor.manifest, facts=facts, overlays=not asked.no_overlays)
        )
        for one in source:
            try:
                if one.image is None:
                    raise one.error or PortableError("{name} cannot be read.", name=one.name)
                judgement = predictor.judge(one.image, settings=settings)
            except PortableError as error:
                results.add_error(one.name, error)
                print(f"{one.name}: ERROR {error}", file=sys.stderr)
                continue
            results.add(one.name, one.image, judgement)
            reasons = "; ".join(str(reason) for reason in judgement.reasons)
            print(f"{one.name}: {judgement.outcome}{f' – {reasons}' if reasons else ''}")
            worst = max(worst, EXIT_OUTCOMES[judgement.outcome])
    counts = results.counts
    print(", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no images")
    if asked.json:
        print(json.dumps({"out": str(asked.out), "counts": counts}, ensure_ascii=False))
    return EXIT_FAILED if counts["error"] else worst


def _settings(predictor: LinePredictor, asked: argparse.Namespace) -> Settings:
    settings = predictor.settings
    if asked.pixel_size_mm is not None:
        if not 0 < asked.pixel_size_mm <= 1e6:
            raise PortableError(
                "{name} is {value}: give a number above 0 and up to {most}.",
                name="pixel_size_mm",
                value=asked.pixel_size_mm,
                most="1e+06",
            )
        settings = replace(settings, pixel_size_mm=asked.pixel_size_mm)
    if asked.rule:
        background = predictor.manifest.background
        rules = parse_rules(asked.rule, predictor.labels, background=background)
        settings = replace(settings, rules=rules)
    settings.check()
    return settings
