"""What the jobs do that analyse, prune, quantise, export and measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_runs import SIDE, train_spec, write_data

from core.compression.pruning.costs import read_costs
from core.compression.sensitivity.sensitivity_file import read_sensitivities
from core.datasets import open_data_folder
from core.images.io import write_mask
from core.jobs.event_reporter import JobReporter
from core.jobs.failures import classify
from core.jobs.tasks import run_task
from core.models.model_folder import read_model_info
from core.models.variant import Variant
from core.runs.event_log import EventWriter
from core.runs.events import Warned
from core.runs.kind_lookup import spec_from_json, spec_to_json
from core.runs.kinds import ExportSpec, MeasureSpec, PruneSpec, QuantizeSpec, SensitivitySpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.seg.loading import load_model
from core.system.errors import InputError
from core.system.reporting import StopRequested


class Recorded(JobReporter):
    """Writes the run's events, and stops at a check."""

    def __init__(self, run: RunFolder, *, stop_at: int | None = None) -> None:
        self.writer = EventWriter(run.events_path)
        self._left = stop_at
        super().__init__(self.writer.append, run.path)

    def check(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise StopRequested
        super().check()


def do(folder: Path, spec: JobSpec | None, *, stop_at: int | None = None) -> dict[str, Any]:
    """Do the job in this process; ``spec`` None goes on in the same folder."""
    run = RunFolder(folder) if spec is None else RunFolder.create(folder, spec)
    reporter = Recorded(run, stop_at=stop_at)
    try:
        result = run_task(run.spec, run, reporter)
    finally:
        reporter.close()
        reporter.writer.close()
    json.dumps(result, allow_nan=False)
    return result


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "图像 a", train=6, val=2)


@pytest.fixture(scope="module")
def model_dir(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("训练 a") / "run"
    result = do(folder, train_spec(data, epochs=2, learning_rate=0.05))
    return Path(result["best_model"])


@pytest.fixture(scope="module")
def analysis(model_dir: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an analysis that was interrupted and gone on with."""
    folder = tmp_path_factory.mktemp("分析 a") / "run"
    spec = SensitivitySpec(model_dir=model_dir, data_dir=data, fast=True, device="cpu")
    with pytest.raises(StopRequested):
        do(folder, spec, stop_at=40)
    part = read_sensitivities(folder)
    do(folder, None)
    whole = read_sensitivities(folder)
    assert 0 < len(part.losses) < len(whole.losses)
    for name, losses in part.losses.items():
        for ratio, loss in losses.items():
            assert whole.losses[name][ratio] == loss
    return folder


def test_an_analysis_draws_its_curves_and_leaves_what_an_estimate_needs(analysis: Path) -> None:
    found = read_sensitivities(analysis)
    curves = {
        tag.removeprefix("sensitivity/"): values
        for tag, values in RunFolder(analysis).metrics().items()
    }
    assert curves.keys() == found.losses.keys()
    for name, (steps, values) in curves.items():
        assert [round(100 * ratio) for ratio in sorted(found.losses[name])] == steps.tolist()
        assert [found.losses[name][r] for r in sorted(found.losses[name])] == values.tolist()
    assert set(read_costs(analysis).widths) >= found.losses.keys()


def test_pruning_without_data_gives_a_model_to_go_on_with(model_dir: Path, tmp_path: Path) -> None:
    result = do(tmp_path / "剪枝", PruneSpec(model_dir=model_dir, flops=0.3, device="cpu"))
    assert result["miou"] is None
    assert result["variant"] is None
    assert result["missed"] is None
    assert 1 - result["flops_after"] / result["flops_before"] == pytest.approx(0.3, abs=0.01)
    assert result["parameters_after"] < result["parameters_before"]
    assert read_model_info(result["model_dir"]).status == "Pruned"


def test_where_nothing_can_be_measured_the_score_is_null(model_dir: Path, tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", train=4, val=2)
    for mask in data.glob("val * mask.png"):
        write_mask(mask, np.full((SIDE, SIDE), 255, np.uint8))
    specs = (
        PruneSpec(model_dir=model_dir, data_dir=data, flops=0.3, device="cpu"),
        QuantizeSpec(
            model_dir=model_dir,
            data_dir=data,
            calibration_images=2,
            float_layers=[],
            measure=False,
            device="cpu",
        ),
    )
    for spec in specs:
        result = json.loads(json.dumps(do(tmp_path / spec.kind, spec), allow_nan=False))
        assert "miou" in result
        assert result["miou"] is None
        if spec.measure:
            assert result["variant"]["miou"] is None


def test_pruning_by_an_analysis_trains_on_and_measures(
    model_dir: Path, data: Path, analysis: Path, tmp_path: Path
) -> None:
    spec = PruneSpec(
        model_dir=model_dir,
        data_dir=data,
        flops=0.4,
        sensitivity=analysis,
        finetune_epochs=2,
        batch_size=2,
        log_interval_steps=1,
        num_workers=0,
        use_vdl=False,
        device="cpu",
    )
    folder = tmp_path / "剪枝"
    with pytest.raises(StopRequested):
        do(folder, spec, stop_at=4)
    assert (folder / "interrupted").exists()
    result = do(folder, None)
    assert result["epochs"] == 2
    info = read_model_info(result["model_dir"])
    assert info.pruning is not None
    assert info.pruning.strategy == "sensitivity"
    assert 1 - result["flops_after"] / result["flops_before"] == pytest.approx(0.4, abs=0.01)
    evaluated = load_model(result["model_dir"]).evaluate(
        open_data_folder(data).dataset("val", load_model(result["model_dir"]).test_transforms)
    )
    assert result["miou"] == pytest.approx(evaluated["miou"])
    assert result["miou_before"] == read_model_info(model_dir).score
    variant = Variant.from_dict(result["variant"])
    assert variant.precision == "float32"
    assert variant.image_size == (SIDE, SIDE)
    assert variant.miou == pytest.approx(result["miou"], abs=1e-3)
    steps, losses = RunFolder(folder).metrics()["train/loss"]
    assert steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert (losses > 0).all()


def test_quantization_after_training(model_dir: Path, data: Path, tmp_path: Path) -> None:
    spec = QuantizeSpec(
        model_dir=model_dir, data_dir=data, calibration_images=4, num_workers=0, device="cpu"
    )
    result = do(tmp_path / "量化", spec)
    info = read_model_info(result["model_dir"])
    assert info.status == "Quantized"
    assert info.quantization is not None
    assert list(info.quantization.float_layers) == result["float_layers"]
    variant = Variant.from_dict(result["variant"])
    assert variant.precision == "int8"
    assert variant.agreement > 0.98
    assert result["miou"] == pytest.approx(variant.miou, abs=0.02)


def test_quantization_in_training_goes_on_after_an_interruption(
    model_dir: Path, data: Path, tmp_path: Path
) -> None:
    spec = QuantizeSpec(
        model_dir=model_dir,
        data_dir=data,
        epochs=2,
        batch_size=2,
        quant_config={"weight_bits": 7},
        num_workers=0,
        use_vdl=False,
        measure=False,
        device="cpu",
    )
    folder = tmp_path / "量化"
    with pytest.raises(StopRequested):
        do(folder, spec, stop_at=6)
    assert (folder / "interrupted").exists()
    result = do(folder, None)
    assert result["epochs"] == 2
    assert result["variant"] is None
    assert 0 < result["miou"] <= 1
    info = read_model_info(result["model_dir"])
    assert info.quantization is not None
    assert info.quantization.config["weight_bits"] == 7


def test_export_and_measurement_agree(model_dir: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "导出 a"
    exported = do(tmp_path / "export", ExportSpec(model_dir=model_dir, out_dir=out))
    assert all(Path(file).is_file() for file in exported["files"])
    measured = do(tmp_path / "measure", MeasureSpec(model_dir=model_dir, data_dir=data))
    variant = Variant.from_dict(measured["variant"])
    assert variant.size_bytes == pytest.approx(exported["size_bytes"], rel=1e-2)
    assert variant.miou == pytest.approx(read_model_info(model_dir).score, abs=1e-3)
    assert variant.latency_ms > 0


def test_training_on_needs_data(model_dir: Path, tmp_path: Path) -> None:
    spec = PruneSpec(model_dir=model_dir, flops=0.3, finetune_epochs=1, device="cpu")
    with pytest.raises(InputError, match="give a data set"):
        do(tmp_path / "run", spec)


@pytest.mark.parametrize(
    "spec",
    [
        SensitivitySpec(model_dir=Path("m"), data_dir=Path("d")),
        PruneSpec(model_dir=Path("m"), flops=0.2, image_size=(64, 32)),
        QuantizeSpec(model_dir=Path("m"), data_dir=Path("d"), float_layers=["a.b"]),
        ExportSpec(model_dir=Path("m"), out_dir=Path("o")),
        MeasureSpec(model_dir=Path("m"), data_dir=Path("d")),
    ],
    ids=lambda spec: spec.kind,
)
def test_a_description_survives_its_file(spec: JobSpec) -> None:
    assert spec_from_json(spec_to_json(spec)) == spec


@pytest.mark.parametrize("flops", [0, 1, -0.1, 1.5])
def test_a_share_outside_0_and_1_is_refused(flops: float) -> None:
    with pytest.raises(ValueError, match="flops"):
        PruneSpec(model_dir=Path("m"), flops=flops)


@pytest.mark.parametrize(
    ("spec", "advice"),
    [
        (QuantizeSpec(model_dir=Path("m"), data_dir=Path("d"), batch_size=8), "from 8 to 4"),
        (SensitivitySpec(model_dir=Path("m"), data_dir=Path("d"), batch_size=6), "from 6 to 3"),
        (
            PruneSpec(model_dir=Path("m"), flops=0.2, batch_size=2, image_size=(512, 256)),
            "from 512x256 to 384x192",
        ),
        (MeasureSpec(model_dir=Path("m"), data_dir=Path("d")), "smaller image size"),
    ],
)
def test_advice_where_memory_runs_out(spec: JobSpec, advice: str, tmp_path: Path) -> None:
    assert advice in classify(MemoryError(), spec=spec, run_dir=tmp_path).advice


@pytest.mark.parametrize("kind", [SensitivitySpec, PruneSpec, QuantizeSpec, MeasureSpec])
def test_data_whose_classes_stand_in_another_order_is_refused(
    model_dir: Path, tmp_path: Path, kind: type[JobSpec]
) -> None:
    swapped = write_data(tmp_path / "swapped", train=2, val=1)
    (swapped / "labels.txt").write_text("明亮\nbackground\n", encoding="utf-8")
    fields: dict[str, Any] = {"model_dir": model_dir, "data_dir": swapped, "device": "cpu"}
    if kind is PruneSpec:
        fields["flops"] = 0.3
    with pytest.raises(InputError, match="number 0 in the data but number 1 in the model"):
        do(tmp_path / "run", kind(**fields))
    made = ("pruned", "quantized", "export", "model.sensi.data")
    assert not any((tmp_path / "run" / name).exists() for name in made)


def test_a_pruned_folder_is_trained_on_by_a_training_run(
    model_dir: Path, data: Path, tmp_path: Path
) -> None:
    load_model(model_dir).prune(0.3, tmp_path / "pruned")
    spec = train_spec(data, epochs=1, pretrain_weights=str(tmp_path / "pruned"))
    best = Path(do(tmp_path / "run", spec)["best_model"])
    assert read_model_info(best).pruning == read_model_info(tmp_path / "pruned").pruning


def test_an_export_warns_of_a_size_that_networks_round(model_dir: Path, tmp_path: Path) -> None:
    spec = ExportSpec(model_dir=model_dir, out_dir=tmp_path / "export", image_size=(60, 64))
    do(tmp_path / "run", spec)
    events = [event for _, event in RunFolder(tmp_path / "run").events()]
    assert any("64×64 would be better" in e.message for e in events if isinstance(e, Warned))
