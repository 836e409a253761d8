"""Inspection: how good a model is, where it is wrong, and the images that show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.inspect.evaluation_view import EvaluationView
from app.panels.inspect.learning_curve_box import LearningCurveBox
from app.panels.inspect.score_inspector import ScoreInspector
from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from app.services.targets import InspectModel, LabelImage, SetUpTraining, ShowDataset, Target
from app.widgets.empty_state import EmptyState
from app.widgets.figure_tiles import add_figure_tiles
from app.widgets.layout import button, row
from core.images.palette import default_palette
from core.prediction.inspection import Evaluation, ImageScore, read_evaluation
from core.project import Project
from core.runs.events import Event, Failed
from core.runs.events import Progress as JobProgress
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.messages import message

_SUBSETS = ("val", "test", "train")
_ALIVE = ("queued", "running", "paused")


@dataclass(frozen=True, slots=True)
class _Model:
    """A trained model that can be measured."""

    run_id: int
    name: str
    folder: Path


class InspectionPanel(Panel):
    """Shows evaluations, which are runs of their own and survive the window."""

    key = "inspection"
    title = message("Inspect")
    icon = "inspect"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self)
        self._project: Project | None = None
        self._evaluation: Evaluation | None = None
        self._shown_run: int | None = None
        self._waiting_run: str | None = None
        self._asked = False
        self._is_chosen = False  # by the user: else the best model is shown
        self.model_box = QComboBox()
        self.split_box = QComboBox()
        self.measure_button = button(
            tr("Measure again"), tooltip=tr("Predict these images and compare with their masks")
        )
        self.results = EvaluationView()
        self._unmeasured = EmptyState(
            "inspect", tr("Not measured yet"), _unmeasured(), action=tr("Measure the model")
        )
        self._facts = QWidget()
        self._pages = QStackedWidget()
        self.curve = LearningCurveBox(context)
        self._inspector = ScoreInspector(self.curve)
        self.tiles: dict[str, QLabel] = {}
        self._build()
        self._connect()

    # The panel's contract

    def set_project(self, project: Project | None) -> None:
        """Show the best model's evaluation, if there is one."""
        self._tasks.cancel_all()
        self._is_chosen = False
        self._project = project
        self._waiting_run = None
        self._asked = False
        self._show(None, None)
        self._refresh_models()
        self.curve.set_project(project)

    def job_event(self, run_id: str, event: Event) -> None:
        """Follow the evaluation that was asked for, and the learning curve."""
        self.curve.job_event(run_id, event)
        if run_id != self._waiting_run:
            return
        if isinstance(event, JobProgress):
            self._set_note(
                tr("Measuring… {step} of {steps} images", step=event.step, steps=event.steps)
            )
        elif isinstance(event, Failed):
            self.context.error_occurred.emit(event)

    def status(self) -> StepStatus:
        """Blocked until there is a model, done once one was measured."""
        if self._project is None:
            return StepStatus(StepState.BLOCKED, message("Open a project first."))
        if not self._models():
            return StepStatus(StepState.BLOCKED, message("Train a model first."))
        runs = self._project.runs("evaluate")
        if self.context.verdicts.all_warn(runs):
            return StepStatus(StepState.WARNING, message("No measured model finds anything."))
        if any(run.state == "done" for run in runs):
            return StepStatus(StepState.DONE, message("A model is measured."))
        return StepStatus(StepState.NEXT, message("Ready to measure."))

    def inspector(self) -> QWidget | None:
        """The chosen image's scores, and whether more labels would help."""
        return self._inspector

    def navigate(self, target: Target) -> None:
        """Choose the model of ``InspectModel``."""
        if not isinstance(target, InspectModel) or target.run_id is None:
            return
        self._refresh_models()
        for index in range(self.model_box.count()):
            if self.model_box.itemData(index).run_id == target.run_id:
                self._is_chosen = True
                self.model_box.setCurrentIndex(index)

    def theme_changed(self) -> None:
        """Draw in the new colours."""
        self.results.renew_colors()
        self.curve.renew_colors()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._project = None  # it may be closed before the last queued signal arrives
        self._tasks.shut_down()
        self.results.shut_down()
        self.curve.shut_down()

    @property
    def busy(self) -> bool:
        """Whether results or pictures are still being read."""
        return self._tasks.busy or self.results.busy or self.curve.busy

    # Models and evaluations

    def _models(self) -> list[_Model]:
        if self._project is None:
            return []
        return [
            _Model(run.id, run.name, run.folder / "best_model")
            for run in self._project.runs("train")
            if (run.folder / "best_model").is_dir()
        ]

    @Slot()
    def _refresh_models(self) -> None:
        chosen, project = self.model_box.currentData(), self._project
        wanted = None if chosen is None or not self._is_chosen else chosen.run_id
        models = self._models()
        if project is not None and wanted not in {model.run_id for model in models}:
            best = self.context.best_models.best(project)
            wanted = None if best is None else best.id
        self.model_box.blockSignals(True)
        self.model_box.clear()
        for model in models:
            self.model_box.addItem(model.name, model)
            if model.run_id == wanted:
                self.model_box.setCurrentIndex(self.model_box.count() - 1)
        self.model_box.blockSignals(False)
        self._pages.setCurrentIndex(1 if self.model_box.count() else 0)
        self._find()
        self.status_changed.emit()

    @Slot()
    def _on_model_chosen(self) -> None:
        self._is_chosen = True

    @Slot()
    def _find(self) -> None:
        """Look for the newest evaluation of the chosen model and subset."""
        project, model = self._project, self.model_box.currentData()
        if project is None or model is None:
            return
        split = self.split_box.currentData()
        self._tasks.start(
            lambda progress: _find_evaluation(project, model.folder, split, progress),
            on_done=self._on_found,
            on_failed=self.context.error_occurred.emit,
            key="find",
        )

    def _on_found(self, found: tuple[int, str, Evaluation | None] | None) -> None:
        if found is None:
            self._waiting_run = None
            self._show(None, None)
            self._set_note(_unmeasured())
        elif found[1] in _ALIVE:
            self._waiting_run = str(found[0])
            self._show(None, None)
            self._set_note(tr("Measuring…"))
        elif found[0] != self._shown_run or self._evaluation is None:
            self._waiting_run = None
            self._show(found[0], found[2])
        self._allow_measuring(self._waiting_run is None and not self._asked)

    @Slot()
    def _on_measure(self) -> None:
        model = self.model_box.currentData()
        if model is None or self._asked:
            return
        self._asked = True
        self._allow_measuring(False)
        self._show(None, None)
        self._set_note(tr("Measuring…"))
        self.context.start_run(
            {
                "kind": "evaluate",
                "model_dir": model.folder,
                "split": self.split_box.currentData(),
                "save_masks": True,
            }
        )

    def _allow_measuring(self, allowed: bool) -> None:
        self.measure_button.setEnabled(allowed)
        self._unmeasured.button.setVisible(allowed)
        self._unmeasured.title_label.setText(
            tr("Not measured yet") if allowed else tr("Measuring the model")
        )

    @Slot(str)
    def _on_run_started(self, run_id: str) -> None:
        if self._asked:
            self._asked = False
            self._waiting_run = run_id

    @Slot(str, str)
    def _on_run_state_changed(self, run_id: str, state: str) -> None:
        if run_id == self._waiting_run and state not in _ALIVE:
            self._waiting_run = None
            self._find()

    @Slot(object)
    def _on_error(self, _error: object) -> None:
        if self._asked:
            self._asked = False
            self._find()

    # Showing

    def _show(self, run_id: int | None, evaluation: Evaluation | None) -> None:
        self._shown_run, self._evaluation = run_id, evaluation
        for part in (self.results, self._facts, self.measure_button):
            part.setVisible(evaluation is not None)
        self._unmeasured.setVisible(evaluation is None)
        self._inspector.show_score(None, (), openable=False)
        self.results.show_evaluation(evaluation, self._colors(evaluation))
        if evaluation is None:
            return
        objects = evaluation.metrics.get("objects")
        total = objects["all"] if isinstance(objects, dict) else None
        self.tiles["found"].setText(
            "–" if total is None else f"{total['found']:,} / {total['objects']:,}"
        )
        for key in ("miou", "oacc", "kappa"):
            value = evaluation.metrics[key]
            self.tiles[key].setText("–" if value is None else f"{value:.3f}")
        self.tiles["images"].setText(f"{len(evaluation.images):,}")

    def _colors(self, evaluation: Evaluation | None) -> tuple[tuple[int, int, int], ...]:
        """The project's colours by class name: ids may have changed since the training."""
        if evaluation is None or self._project is None:
            return ()
        known = {c.name: c.color for c in self._project.labels()}
        spare = default_palette(len(evaluation.labels))
        return tuple(
            known.get(name, color) for name, color in zip(evaluation.labels, spare, strict=True)
        )

    def _set_note(self, text: str) -> None:
        self._unmeasured.text_label.setText(text)

    @Slot(object)
    def _on_score_chosen(self, score: ImageScore) -> None:
        labels = self._evaluation.labels if self._evaluation is not None else ()
        known = self._project is not None and self._project.find_image(score.image) is not None
        self._inspector.show_score(score, labels, openable=known)

    @Slot(object)
    def _on_opened(self, score: ImageScore) -> None:
        self.context.navigate(ShowDataset(score.image))

    @Slot()
    def _on_open_requested(self) -> None:
        if self.results.images.current is not None:
            self._on_opened(self.results.images.current)

    @Slot()
    def _on_label_requested(self) -> None:
        score = self.results.images.current
        if score is not None:
            self.context.navigate(LabelImage(score.image))

    # Building

    def _connect(self) -> None:
        self.model_box.activated.connect(self._on_model_chosen)
        self.model_box.currentIndexChanged.connect(self._find)
        self.split_box.currentIndexChanged.connect(self._find)
        self.measure_button.clicked.connect(self._on_measure)
        self._unmeasured.action_requested.connect(self._on_measure)
        self.results.score_chosen.connect(self._on_score_chosen)
        self.results.opened.connect(self._on_opened)
        self._inspector.open_requested.connect(self._on_open_requested)
        self._inspector.label_requested.connect(self._on_label_requested)
        self.context.run_started.connect(self._on_run_started)
        self.context.run_state_changed.connect(self._on_run_state_changed)
        self.context.runs_changed.connect(self._refresh_models)
        self.context.error_occurred.connect(self._on_error)

    def _build(self) -> None:
        empty = EmptyState(
            "inspect",
            tr("No model to inspect yet"),
            tr("Train a model first; then its errors can be looked at here."),
            action=tr("Train a model"),
        )
        empty.action_requested.connect(lambda: self.context.navigate(SetUpTraining()))
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        column.setSpacing(GRID)
        column.addLayout(self._make_header())
        column.addWidget(self._unmeasured, 1)
        column.addWidget(self.results, 1)
        self._pages.addWidget(empty)
        self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)

    def _make_header(self) -> QHBoxLayout:
        self.model_box.setAccessibleName(tr("Model"))
        self.model_box.setMinimumWidth(GRID * 20)
        self.split_box.setAccessibleName(tr("Subset"))
        for split, text in zip(
            _SUBSETS,
            (tr("validation images"), tr("test images"), tr("training images")),
            strict=True,
        ):
            self.split_box.addItem(text, split)
        facts = QHBoxLayout(self._facts)
        facts.setContentsMargins(0, 0, 0, 0)
        facts.setSpacing(GRID * 3)
        titles = (
            ("found", tr("Objects found")),
            ("miou", tr("mIoU")),
            ("oacc", tr("Accuracy")),
            ("kappa", tr("Kappa")),
            ("images", tr("Images")),
        )
        self.tiles.update(add_figure_tiles(facts, titles))
        return row(self.model_box, self.split_box, self.measure_button, 1, self._facts)


def _unmeasured() -> str:
    return tr("This model has not been measured on these images yet.")


def _find_evaluation(
    project: Project, model_dir: Path, split: str, progress: Progress
) -> tuple[int, str, Evaluation | None] | None:
    """Return (run id, state, results) of the newest usable evaluation; for the thread pool."""
    for run in project.runs("evaluate"):
        progress.check()
        if run.state not in (*_ALIVE, "done"):
            continue
        try:
            spec = RunFolder(run.folder).spec
        except InputError:  # its folder was removed by hand
            continue
        if not isinstance(spec, EvaluateSpec):
            continue
        if spec.model_dir.absolute() != model_dir.absolute() or spec.split != split:
            continue
        return run.id, run.state, read_evaluation(run.folder) if run.state == "done" else None
    return None
