"""``demo``: the whole loop on a set made here, in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.environment import Environment
from core.cli.shared_options import JsonOption

if TYPE_CHECKING:
    from core.demo import Workspace


def command(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the demo; is continued.")
    ] = Path("maskwright-demo"),
    headless: Annotated[
        bool, typer.Option("--headless", help="Stay in the terminal even if there is a display.")
    ] = False,
    images: Annotated[
        int | None, typer.Option("--images", metavar="N", min=1, help="Size of the set. [160]")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, help="How long to train.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="S", min=0, help="Another seed, other parts.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a small inspection set, train on it, measure, predict and write a report.

    With a display the window opens and shows the training; --headless stays in the terminal.
    """
    from core.cli.job_runner import count_progress
    from core.demo import open_workspace
    from core.system.doctor.window import has_display

    workspace = open_workspace(out.absolute(), images=images, epochs=epochs, seed=seed)
    with count_progress("making images") as update:
        workspace.make_data(progress=update)
    workspace.make_project()
    environment: Environment = context.obj
    if has_display() and not headless and not json and environment.open_window is not None:
        fields = workspace.training_fields() if workspace.newest_run("train") is None else None
        raise typer.Exit(environment.open_window(workspace.project_dir, fields))
    _run_in_terminal(workspace, json=json)


def _run_in_terminal(workspace: Workspace, *, json: bool) -> None:
    from core.cli.console import err, print_json
    from core.cli.evaluate import print_metrics
    from core.report.evaluation_report import write_evaluation_report

    err().print(f"data set: {workspace.data_dir}", markup=False)
    training = _finished(workspace, "train", workspace.training_fields())
    best_model = Path(training["best_model"])
    evaluation_fields = {
        "kind": "evaluate",
        "model_dir": best_model,
        "split": "test",
        "save_masks": True,
        "device": "cpu",
    }
    evaluation = _finished(workspace, "evaluate", evaluation_fields)
    _predict(workspace, best_model)
    newest = workspace.newest_run("evaluate")
    if newest is None:
        raise RuntimeError("the evaluation's run is gone")
    write_evaluation_report(
        newest.folder, path=workspace.report_path, title="Surface inspection demo"
    )
    places = {
        "out": workspace.folder,
        "data": workspace.data_dir,
        "project": workspace.project_dir,
        "best_model": best_model,
        "predictions": workspace.predictions_dir,
        "report": workspace.report_path,
    }
    if json:
        print_json(_summary(places, training, evaluation))
        return
    print_metrics(evaluation)
    for name, place in places.items():
        print(f"{name.replace('_', ' '):12}{place}")


def _finished(workspace: Workspace, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the demo's run of this kind: done earlier, continued, or made now."""
    from core.cli.console import err
    from core.cli.job_runner import job_result
    from core.runs.run_folder import RunFolder

    row = workspace.newest_run(kind)
    result = None if row is None else RunFolder(row.folder).result
    if result is not None:
        err().print(f"{kind}: done earlier")
        return result
    if row is None or row.state == "failed":
        row = workspace.prepare(fields)
    try:
        return job_result(row.folder)
    finally:
        workspace.newest_run(kind)  # takes note of how the run ended


def _predict(workspace: Workspace, model_dir: Path) -> None:
    """Predict the new images, unless that is done."""
    from core.cli.given_images import find_images
    from core.cli.job_runner import job_result, temporary_run_folder
    from core.cli.predict import write_overlays
    from core.models.model_folder import read_model_info
    from core.runs.kinds import PredictSpec
    from core.runs.run_folder import RunFolder

    images = find_images([workspace.new_images_dir])
    target = workspace.predictions_dir
    missing = [one for one in images if not (target / f"{one.stem}.png").exists()]
    if missing:
        spec = PredictSpec(model_dir=model_dir, images=missing, out_dir=target, device="cpu")
        with temporary_run_folder("prediction") as run_dir:
            job_result(RunFolder.create(run_dir, spec).path)
    undrawn = [one for one in images if not (target / f"{one.stem}_overlay.jpg").exists()]
    masks = [target / f"{one.stem}.png" for one in undrawn]
    write_overlays(undrawn, masks, read_model_info(model_dir))


def _summary(
    places: dict[str, Path], training: dict[str, Any], evaluation: dict[str, Any]
) -> dict[str, Any]:
    measured = ("miou", "category_iou", "oacc", "kappa", "absent_classes", "labels")
    return {
        **{name: str(place) for name, place in places.items()},
        **{name: evaluation[name] for name in measured},
        "val_miou": training.get("miou"),
        "images_per_second": training["images_per_second"],
        "seconds": training["seconds"],
    }
