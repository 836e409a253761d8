"""Compare an exported file with the model that it was made from."""

from __future__ import annotations

import time
from typing import Any, Final

from core.deploy.verification.export_verification import export_manifest, verify_export
from core.deploy.verification.outcome import Bounds
from core.deploy.verification.samples import Sample, at_most, data_samples, image_samples
from core.deploy.verification.stored_reference import read_reference
from core.deploy.verification.trained_network import trained_network
from core.runs.kinds import VerifySpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.seg.segmenter import Segmenter
from core.system.errors import InputError
from core.system.files import write_json_atomic
from core.system.reporting import Reporter

VERIFICATION_FILE: Final = "verification.json"
_PICTURES: Final = "previews"


def run(spec: VerifySpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Verify an export; the run folder gets ``verification.json`` and a picture of the worst image.

    An export that is not verified is a result, not an error.
    """
    started = time.monotonic()
    model = load_model(spec.model_dir, device=spec.device, reporter=reporter)
    samples = at_most(_samples(spec, model, reporter), spec.most_images)
    verification = verify_export(
        spec.export_dir,
        trained_network(spec.export_dir, model),
        samples,
        runtime=spec.runtime,
        threads=spec.threads,
        bounds=Bounds(agreement=spec.bound, int8_loss=spec.int8_loss),
        picture_dir=folder.path / _PICTURES,
        reporter=reporter,
    )
    result = {
        **verification.to_dict(),
        "export_dir": str(spec.export_dir),
        "model_dir": str(spec.model_dir),
        "seconds": time.monotonic() - started,
    }
    write_json_atomic(folder.path / VERIFICATION_FILE, result)
    return result


def _samples(spec: VerifySpec, model: Segmenter, reporter: Reporter) -> list[Sample]:
    if spec.images:
        return image_samples(spec.images)
    if spec.data_dir is not None:
        return data_samples(spec.data_dir, spec.split, model.labels, reporter=reporter)
    reference = read_reference(spec.export_dir, export_manifest(spec.export_dir))
    samples = [] if reference is None else reference.samples()
    if reference is None or not samples:
        raise InputError("There are no images to verify the export on: give --data.")
    return [reference.with_mask(one) for one in samples]
