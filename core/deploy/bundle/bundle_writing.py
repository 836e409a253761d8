"""Writing a bundle: an exported model with all that a line PC needs to run it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core import portable
from core.deploy.bundle.bundle_texts import READMES, cpp_header, readme
from core.images.io import read_image, write_image
from core.portable.line_predictor import LinePredictor
from core.portable.machine_kind import this_machine
from core.portable.manifest import MANIFEST, Manifest, damaged_files, read_manifest, write_manifest
from core.portable.mask_files import encode_label_map
from core.portable.portable_error import PortableError
from core.portable.selftest import SAMPLES, SAMPLES_FILE, run_selftest
from core.system.errors import InputError
from core.system.files import (
    fsync_folder,
    make_folder,
    replace_folder_atomic,
    require_room,
    write_json_atomic,
    write_text_atomic,
)
from core.system.reporting import Reporter

SUMS: Final = "SHA256SUMS"
_FILES: Final = Path(__file__).parent / "files"
_STATIC: Final = {
    "predict.py": "predict.py.txt",
    "requirements.txt": "requirements.txt",
    "Dockerfile": "Dockerfile",
    ".dockerignore": "dockerignore.txt",
    "cpp/CMakeLists.txt": "cpp/CMakeLists.txt",
    "cpp/label_map.cpp": "cpp/label_map.cpp",
}
_REGION_FILES: Final = ("regions_file", "dont_care_file")
_ZIP: Final = ".zip"
#: Zip knows no earlier time; the same bundle is the same file whenever it is written.
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleResult:
    """What was written.

    Attributes:
        path: the folder or the zip file.
        files: number of files in it.
        size_bytes: of the folder's files, or of the zip.
        samples: number of sample images.
        fingerprint: SHA-256 of ``SHA256SUMS``; ``selftest`` prints it, too.
    """

    path: Path
    files: int
    size_bytes: int
    samples: int
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types."""
        return {
            "bundle": str(self.path),
            "files": self.files,
            "size_bytes": self.size_bytes,
            "samples": self.samples,
            "fingerprint": self.fingerprint,
        }


def write_bundle(
    export_dir: str | Path,
    out: str | Path,
    *,
    samples: Sequence[Path] = (),
    reporter: Reporter | None = None,
) -> BundleResult:
    """Write a bundle of an exported model.

    Args:
        export_dir: what ``export_model`` wrote: ONNX, with a complete graph.
        out: folder that is new or empty, or a file that ends with ``.zip``.
        samples: images whose masks the bundle's selftest compares.
        reporter: is told of progress and may stop the work.

    Raises:
        InputError: the export is damaged or of another kind, ``out`` is taken, or a sample cannot
            be read.
    """
    reporter = reporter or Reporter()
    source, target = Path(export_dir), free_target(Path(out))
    try:
        manifest = _bundled_manifest(source)
        with _building(target) as folder:
            total = len(samples) + 2
            reporter.progress(0, total, stage="bundle")
            _copy_files(source, folder, manifest)
            predictor = LinePredictor(folder)
            reporter.progress(1, total, stage="bundle")
            for number, sample in enumerate(samples, 1):
                reporter.check()
                _add_sample(folder, number, sample, predictor)
                reporter.progress(number + 1, total, stage="bundle")
            if samples:
                _write_index(folder, len(samples), predictor)
            test = run_selftest(folder, predictor)
            if not test.passed:
                raise InputError("{problem}", problem=test.problems[0])
            count, size, fingerprint = _write_sums(folder)
            reporter.progress(total, total, stage="bundle")
    except PortableError as error:
        raise InputError.from_portable(error) from error
    return BundleResult(
        path=target,
        files=count,
        size_bytes=target.stat().st_size if target.is_file() else size,
        samples=len(samples),
        fingerprint=fingerprint,
    )


def free_target(out: Path) -> Path:
    """Return where a bundle is to be written, made absolute.

    Raises:
        InputError: something is there already.
    """
    target = out.absolute()
    if target.suffix.lower() == _ZIP:
        if target.exists():
            raise InputError("{file} exists; choose another name.", file=target)
    elif target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("{folder} is not empty; choose a new or an empty folder.", folder=target)
    return target


def _bundled_manifest(export_dir: Path) -> Manifest:
    """Return the manifest as the bundle has it; refuse what cannot run there."""
    manifest = read_manifest(export_dir)
    if manifest.format != "onnx" or manifest.graph != "complete":
        raise InputError(
            "{folder} is in the format {format} with a {graph} graph, and a bundle needs an ONNX "
            "file with a complete one: export the model again, with --format onnx and without "
            "--plain.",
            folder=export_dir,
            format=manifest.format,
            graph=manifest.graph,
        )
    wanted = {manifest.model_file, "model.yml"}
    regions = (manifest.settings.get(name) for name in _REGION_FILES)
    wanted |= {str(name) for name in regions if name}
    kept = {name: record for name, record in manifest.files.items() if name in wanted}
    manifest = replace(manifest, files=kept)
    missing = [name for name in (manifest.model_file, *sorted(wanted)) if name not in kept]
    damaged = [*damaged_files(export_dir, manifest), *missing]
    if damaged:
        raise InputError(
            "{file} of {folder} is not what was exported: export the model again.",
            file=damaged[0],
            folder=export_dir,
        )
    return manifest


@contextlib.contextmanager
def _building(target: Path) -> Iterator[Path]:
    """Yield the folder to fill; it becomes ``target``, or is packed into it."""
    if target.suffix.lower() != _ZIP:
        with replace_folder_atomic(target) as folder:
            yield folder
        return
    make_folder(target.parent)
    with tempfile.TemporaryDirectory(prefix="bundle-") as temporary:
        folder = Path(temporary) / target.stem
        folder.mkdir()
        yield folder
        _pack(folder, target)


def _pack(folder: Path, target: Path) -> None:
    """Write a zip file whose one folder is ``folder``; atomically."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    require_room(target.parent, sum(file.stat().st_size for file in files))
    partial = target.with_name(f".{target.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in files:
                name = f"{folder.name}/{file.relative_to(folder).as_posix()}"
                entry = zipfile.ZipInfo(name, _ZIP_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                packed.writestr(entry, file.read_bytes())
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    fsync_folder(target.parent)


def _copy_files(export_dir: Path, folder: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        target = Path(folder, *name.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(export_dir, *name.split("/")), target)
    write_manifest(folder, manifest)
    for name, file in _STATIC.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(_FILES / file, target)
    (folder / "portable").mkdir()
    for module in sorted(Path(portable.__file__).parent.glob("*.py")):
        shutil.copyfile(module, folder / "portable" / module.name)
    write_text_atomic(folder / "cpp" / "classes.h", cpp_header(manifest))


def _add_sample(folder: Path, number: int, sample: Path, predictor: LinePredictor) -> None:
    """Store an image as its pixels, and its label map.

    As pixels, so that the samples hold nothing else of the files, such as where they were taken.
    """
    place = folder / SAMPLES
    place.mkdir(exist_ok=True)
    image = place / f"sample_{number}.png"
    write_image(image, read_image(sample))
    label_map = predictor.label_map(image)
    mask = encode_label_map(label_map, predictor.manifest.colors or ())
    (place / f"sample_{number}_mask.png").write_bytes(mask)


def _write_index(folder: Path, count: int, predictor: LinePredictor) -> None:
    machine = this_machine(predictor.runtime)
    samples = [
        {"image": f"sample_{number}.png", "mask": f"sample_{number}_mask.png"}
        for number in range(1, count + 1)
    ]
    content = {"machine": machine.key, "computed_on": str(machine), "samples": samples}
    write_json_atomic(folder / SAMPLES / SAMPLES_FILE, json.loads(json.dumps(content)))


def _write_sums(folder: Path) -> tuple[int, int, str]:
    """Write the READMEs and ``SHA256SUMS``; return number and size of all files, and its hash."""
    manifest = read_manifest(folder)
    samples = len([*(folder / SAMPLES).glob("sample_*_mask.png")])
    for language, name in READMES.items():
        write_text_atomic(folder / name, readme(manifest, language, samples=samples))
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines, size = [], 0
    for file in files:
        content = file.read_bytes()
        size += len(content)
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"{digest}  {file.relative_to(folder).as_posix()}\n")
    text = "".join(lines)
    write_text_atomic(folder / SUMS, text)
    assert (folder / MANIFEST).is_file()
    return len(files) + 1, size + len(text), hashlib.sha256(text.encode()).hexdigest()
