"""Verifying an export: is the file what the network is, and if not, where does it go wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.deploy.opening import open_export
from core.deploy.verification.difference_picture import write_difference_picture
from core.deploy.verification.embedded_description import embedded_description
from core.deploy.verification.fault_location import follows, locate, swapped_colors
from core.deploy.verification.machine_facts import Machine, int8_warnings, this_machine
from core.deploy.verification.model_facts import ModelFacts, differences
from core.deploy.verification.originals import Original
from core.deploy.verification.outcome import (
    FLOAT_AGREEMENT,
    INT8_AGREEMENT,
    STAGES,
    Bounds,
    Fault,
    Verification,
    agreement_of,
    is_quantized_export,
)
from core.deploy.verification.samples import Sample, probe_samples, spread
from core.deploy.verification.stored_reference import REFERENCE, read_reference
from core.deploy.verification.whole_way import Comparison, Exported, compare
from core.portable.manifest import MANIFEST, Manifest, damaged_files, read_manifest
from core.portable.portable_error import PortableError
from core.system.errors import InputError, portable_errors
from core.system.messages import Message, message
from core.system.reporting import Reporter

WORST_PICTURE: Final = "worst_image.png"
#: Images on which two preprocessings are compared, and where a fault is looked for.
_LOOKED_AT: Final = 4
_FULL_PRECISIONS: Final = ("float32", "int8")


def verify_by_reference(
    folder: str | Path,
    samples: Sequence[Sample] | None,
    *,
    runtime: str = "auto",
    threads: int | None = None,
    bounds: Bounds | None = None,
    picture_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Verification:
    """Verify an export by what was stored of its network; needs no engine.

    Args:
        folder: of the export.
        samples: images; those that nothing was stored of are left out. None for the images that
            were stored themselves.
        runtime: as for ``LinePredictor``.
        threads: as there.
        bounds: what must be kept.
        picture_dir: gets a picture of the worst image.
        reporter: is told of progress and may stop the work.

    Raises:
        InputError: nothing was stored, or of none of the images; or as ``verify_export``.
    """
    reference = read_reference(folder, export_manifest(folder))
    if reference is None:
        raise no_reference(folder)
    if samples is None:
        samples = reference.samples()
        if not samples:
            raise InputError(
                "{folder} holds no images: give --data a folder with images of the export.",
                folder=folder,
            )
    known = [reference.with_mask(one) for one in samples if reference.knows(one)]
    if not known:
        raise InputError(
            "None of these images is one of those that were stored when {folder} was exported: "
            "give --model-dir, or --data with the images of the export.",
            folder=folder,
        )
    return verify_export(
        folder,
        reference,
        known,
        runtime=runtime,
        threads=threads,
        bounds=bounds,
        picture_dir=picture_dir,
        reporter=reporter,
        unknown_images=len(samples) - len(known),
    )


def verify_export(
    folder: str | Path,
    original: Original,
    samples: Sequence[Sample],
    *,
    runtime: str = "auto",
    threads: int | None = None,
    bounds: Bounds | None = None,
    picture_dir: Path | None = None,
    reporter: Reporter | None = None,
    unknown_images: int = 0,
) -> Verification:
    """Compare an export with what it was made from, the whole way from image to label map.

    Args:
        folder: of the export.
        original: the network, or what was stored of it.
        samples: images; masks tell what differences cost.
        runtime: as for ``LinePredictor``.
        threads: as there.
        bounds: what must be kept.
        picture_dir: gets a picture of the worst image.
        reporter: is told of progress and may stop the work.
        unknown_images: images that were left out since ``original`` does not know them.

    Raises:
        InputError: the export, an image or a mask cannot be read.
    """
    if not samples:
        raise InputError("There are no images to verify the export on: give --data.")
    place, reporter = Path(folder), reporter or Reporter()
    manifest = export_manifest(place)
    damages = _damages(place, manifest)
    try:
        exported: Exported = open_export(place, runtime=runtime, threads=threads)
        faults, warnings = _said_otherwise(place, manifest, original, samples)
        found = compare(exported, original, samples, reporter=reporter)
    except (InputError, PortableError):
        if not damages:
            with portable_errors():
                raise
        return _not_opened(manifest, damages, original.kind, runtime)
    machine = _machine(exported)
    judged = _judge(manifest, found, bounds or Bounds())
    if any(one.stage == "preprocessing" for one in faults):
        warnings += _followed(place, exported, original)
    if (order := _color_order(place, exported, original, samples)) is not None:
        faults.append(Fault("preprocessing", order))
    if judged.problem is not None:
        fault = _located(place, exported, original, samples, found, judged)
        if fault.stage not in {one.stage for one in (*damages, *faults)}:
            faults.append(fault)
        warnings.append(judged.problem)
    warnings += _machine_warnings(manifest, machine)
    pictures = {}
    if picture_dir is not None and found.worst is not None:
        picture = picture_dir / WORST_PICTURE
        colors = None if manifest.colors is None else list(manifest.colors)
        write_difference_picture(picture, found.worst, colors)
        pictures["worst_image"] = str(picture)
    scored = [one.difference for one in found.images if one.difference is not None]
    return Verification(
        judged_by=judged.judged_by,
        bound=judged.bound,
        images=found.images,
        miou_model=judged.miou_model,
        miou_export=judged.miou_export,
        largest_difference=max(scored, default=None),
        scored_images=len(scored),
        faults=(*damages, *sorted(faults, key=lambda one: STAGES.index(one.stage))),
        warnings=tuple(warnings),
        machine=machine,
        format=manifest.format,
        graph=manifest.graph,
        precision=manifest.precision,
        compared_with=original.kind,
        unknown_images=unknown_images + found.unknown,
        pictures=pictures,
    )


def no_reference(folder: str | Path) -> InputError:
    """What to say of an export that nothing was stored with."""
    return InputError(
        "{folder} holds nothing to compare with: give --model-dir, or export the model with "
        "--data.",
        folder=folder,
    )


def export_manifest(folder: str | Path) -> Manifest:
    """Read an export's manifest.

    Raises:
        InputError: there is none, or it is damaged.
    """
    with portable_errors():
        return read_manifest(folder)


def _damages(folder: Path, manifest: Manifest) -> list[Fault]:
    """Files that are not what the manifest says, beginning with the model itself."""
    names = [
        name for name in damaged_files(folder, manifest) if not name.startswith(f"{REFERENCE}/")
    ]
    if not names and manifest.model_file not in manifest.files:
        text = message(
            "manifest.json does not know the SHA-256 of {file}: it may be another file than was "
            "exported.",
            file=manifest.model_file,
        )
        return [Fault("network", text)]
    return [Fault("network", _damage(folder, name)) for name in names]


def _damage(folder: Path, name: str) -> Message:
    if not Path(folder, *name.split("/")).is_file():
        return message("{file} is missing: copy the whole export again.", file=name)
    return message(
        "{file} is not the file that was exported (its SHA-256 is another): copy it again, or "
        "export the model again.",
        file=name,
    )


def _said_otherwise(
    folder: Path, manifest: Manifest, original: Original, samples: Sequence[Sample]
) -> tuple[list[Fault], list[Message]]:
    """What the manifest, and the description inside of the file, say otherwise than the model."""
    chosen = [*_some(samples), *probe_samples()]
    own = original.facts
    faults, warnings = differences(ModelFacts.of_manifest(manifest), own, chosen, file=MANIFEST)
    inside = embedded_description(folder, manifest)
    if inside is not None and not faults:
        faults, more = differences(inside, own, chosen, file=manifest.model_file)
        warnings += [one for one in more if one not in warnings]
    return faults, warnings


def _some(samples: Sequence[Sample]) -> list[Sample]:
    return [samples[index] for index in spread(len(samples), _LOOKED_AT)]


def _followed(folder: Path, exported: Exported, original: Original) -> list[Message]:
    """Say what the file itself does where the manifest says something else than the model."""
    manifest = exported.manifest
    if manifest.graph != "complete":
        inside = embedded_description(folder, manifest) if manifest.format == "onnx" else None
        if inside is None or inside.transforms == ModelFacts.of_manifest(manifest).transforms:
            return []
        text = message(
            "This program prepares images as {file} says of itself, and so finds the same; what "
            "follows {manifest} does not.",
            file=manifest.model_file,
            manifest=MANIFEST,
        )
        return [text]
    match follows(exported, original, ModelFacts.of_manifest(exported.manifest)):
        case "model":
            return [message("The file itself prepares images as the model does.")]
        case "manifest":
            return [message("The file itself prepares images as manifest.json says.")]
    return []


def _color_order(
    folder: Path, exported: Exported, original: Original, samples: Sequence[Sample]
) -> Message | None:
    """What is wrong with the order of colours that the manifest says."""
    manifest = exported.manifest
    said = manifest.input.color_order
    if manifest.graph == "plain":
        # Whoever runs such a file prepares the image; the network has learnt RGB.
        return None if said == "RGB" else _order_message(said)
    wrong = swapped_colors(exported, original, [*probe_samples(), *samples[:1]])
    inside = embedded_description(folder, manifest)
    contradicted = inside is not None and inside.color_order not in (None, said)
    return _order_message(said) if wrong or contradicted else None


def _order_message(said: str) -> Message:
    return message(
        "manifest.json says that the file takes {given} {given:image|images}, and it takes "
        "{right}: red and blue are swapped.",
        given=said,
        right="RGB" if said == "BGR" else "BGR",
    )


@dataclass(frozen=True, slots=True)
class _Judgement:
    judged_by: Literal["agreement", "miou"]
    bound: float
    miou_model: float | None
    miou_export: float | None
    #: Least agreement of label maps that counts as the same where a fault is looked for.
    least: float
    problem: Message | None


def _judge(manifest: Manifest, found: Comparison, bounds: Bounds) -> _Judgement:
    """Say whether the bound was kept."""
    is_int8 = is_quantized_export(manifest)
    usual = INT8_AGREEMENT if is_int8 else FLOAT_AGREEMENT
    least = usual if bounds.agreement is None else bounds.agreement
    agreement = agreement_of(found.images)
    assert agreement is not None  # as there is an image
    mious = [
        None if matrix is None else matrix.metrics()["miou"]
        for matrix in (found.own, found.exported)
    ]
    model, export = mious
    if is_int8 and model is not None and export is not None:
        problem = None
        if model - export > bounds.int8_loss:
            problem = message(
                "The int8 file loses {loss} points of mIoU against the model, {bound} are allowed.",
                loss=f"{100 * (model - export):.2f}",
                bound=f"{100 * bounds.int8_loss:.2f}",
            )
        return _Judgement("miou", bounds.int8_loss, model, export, least, problem)
    problem = None
    if agreement < least:
        problem = message(
            "The file gives {share} % of the pixels the model's class, {bound} % are the least.",
            share=f"{100 * agreement:.3f}",
            bound=f"{100 * least:g}",
        )
    return _Judgement("agreement", least, model, export, least, problem)


def _located(
    folder: Path,
    exported: Exported,
    original: Original,
    samples: Sequence[Sample],
    found: Comparison,
    judged: _Judgement,
) -> Fault:
    worst = [] if found.worst is None else [found.worst.sample]
    return locate(
        folder,
        exported,
        original,
        [*worst, *_some(samples), *probe_samples()],
        given=ModelFacts.of_manifest(exported.manifest),
        least=judged.least,
    )


def _machine(exported: Exported) -> Machine:
    runtime = exported.runtime
    return this_machine(
        runtime=runtime.name,
        version=runtime.version,
        threads=runtime.threads,
        precision=runtime.compute_precision,
    )


def _machine_warnings(manifest: Manifest, machine: Machine) -> list[Message]:
    warnings = list(int8_warnings(machine)) if manifest.precision == "int8" else []
    if machine.precision not in _FULL_PRECISIONS:
        warnings.append(
            message(
                "{runtime} computes in {precision} here, not in float32.",
                runtime=machine.runtime,
                precision=machine.precision,
            )
        )
    return warnings


def _not_opened(
    manifest: Manifest, faults: Sequence[Fault], kind: Literal["model", "reference"], runtime: str
) -> Verification:
    """What is to be said of a damaged file that does not even run."""
    is_int8 = is_quantized_export(manifest)
    return Verification(
        judged_by="agreement",
        bound=INT8_AGREEMENT if is_int8 else FLOAT_AGREEMENT,
        images=(),
        miou_model=None,
        miou_export=None,
        largest_difference=None,
        scored_images=0,
        faults=tuple(faults),
        warnings=(),
        machine=this_machine(runtime=runtime, version="", threads=0, precision=manifest.precision),
        format=manifest.format,
        graph=manifest.graph,
        precision=manifest.precision,
        compared_with=kind,
    )
