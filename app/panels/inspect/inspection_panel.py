"""Inspection: how good a model is, where it is wrong, and the images that show it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.inspect.evaluation_search import (
    ALIVE,
    Found,
    comparable_models,
    find_evaluation,
    trained_models,
)
from app.panels.inspect.evaluation_view import EvaluationView
from app.panels.inspect.figure_row import FigureRow
from app.panels.inspect.learning_curve_box import LearningCurveBox
from app.panels.inspect.model_comparison import ModelComparison
from app.panels.inspect.report_export import ReportExport
from app.panels.inspect.score_inspector import ScoreInspector
from app.panels.inspect.threshold_box import ThresholdBox
from app.panels.inspect.threshold_runner import ThresholdRunner
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import (
    InspectModel,
    LabelImage,
    LabelImages,
    SetUpTraining,
    ShowDataset,
    Target,
)
from app.widgets.empty_state import EmptyState
from app.widgets.layout import row
from app.widgets.name_box import NameBox
from app.widgets.switching import switch, why_not_written
from core.images.palette import default_palette
from core.models.model_folder import set_thresholds
from core.prediction.inspection import Evaluation, ImageScore
from core.prediction.measured_images import remember_scores
from core.prediction.threshold_trial import can_try_thresholds
from core.project import Project
from core.runs.events import Event, Failed
from core.runs.events import Progress as JobProgress
from core.system.messages import Message, message

_LETTERS = 9
_SUBSETS = ("val", "test", "train")


class InspectionPanel(Panel):
    """Shows evaluations, which are runs of their own and survive the window."""

    key = "inspection"
    title = message("Inspect")
    icon = "inspect"
    guide = "inspecting.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self)
        self._project: Project | None = None
        self._evaluation: Evaluation | None = None
        self._tried: Evaluation | None = None
        self._found: Found | None = None
        self._waiting_run: str | None = None
        self._just_measured: str | None = None
        self._asked = False
        self._is_chosen = False  # by the user: else the best model is shown
        self.model_box, self.split_box = NameBox(letters=_LETTERS), QComboBox()
        self.measure_button = QToolButton()
        self.report = ReportExport(self)
        self.results = EvaluationView()
        self.comparison = ModelComparison(self.results.viewer, self)
        self.figures = FigureRow()
        self.thresholds = ThresholdBox()
        self._runner = ThresholdRunner(self)
        self._unmeasured = EmptyState(
            "inspect", tr("Not measured yet"), _unmeasured(), action=tr("Measure the model")
        )
        self._pages = QStackedWidget()
        self.curve = LearningCurveBox(context)
        self._inspector = ScoreInspector(self.thresholds, self.curve)
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
        self._show(None)
        self._refresh_models()
        self.curve.set_project(project)

    def job_event(self, run_id: str, event: Event) -> None:
        """Follow the evaluation that was asked for, and the learning curve."""
        self.curve.job_event(run_id, event)
        if run_id != self._waiting_run:
            return
        if isinstance(event, JobProgress):
            self._set_note(
                tr(
                    "Measuring… {step} of {steps} {steps:image|images}",
                    step=event.step,
                    steps=event.steps,
                )
            )
        elif isinstance(event, Failed):
            self.context.error_occurred.emit(event)

    def status(self) -> StepStatus:
        """Blocked until there is a model, done once one was measured."""
        if self._project is None:
            return StepStatus(StepState.BLOCKED, message("Open a project first."))
        if not trained_models(self._project):
            return StepStatus(StepState.BLOCKED, message("Train a model first."))
        runs = self._project.runs("evaluate")
        if self.context.verdicts.all_warn(runs):
            return StepStatus(StepState.WARNING, message("No measured model finds anything."))
        if any(run.state == "done" for run in runs):
            return StepStatus(StepState.DONE, message("A model is measured."))
        return StepStatus(StepState.NEXT, message("Ready to measure."))

    def inspector(self) -> QWidget | None:
        """The chosen image's scores, thresholds, and whether more labels would help."""
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
        self.thresholds.renew_colors()
        self.curve.renew_colors()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._project = None  # it may be closed before the last queued signal arrives
        self._tasks.shut_down()
        self._runner.shut_down()
        self.comparison.shut_down()
        self.report.shut_down()
        self.results.shut_down()
        self.curve.shut_down()

    @property
    def busy(self) -> bool:
        """Whether results or pictures are still being read."""
        reading = self._tasks.busy or self.results.busy or self.curve.busy
        return reading or self._runner.busy or self.report.busy or self.comparison.busy

    # Models and evaluations

    @Slot()
    def _refresh_models(self) -> None:
        chosen, project = self.model_box.currentData(), self._project
        wanted = None if chosen is None or not self._is_chosen else chosen.run_id
        models = trained_models(project)
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
            lambda progress: (
                find_evaluation(project, model.folder, split, progress),
                comparable_models(project, model.folder, split, progress),
            ),
            on_done=self._on_found,
            on_failed=self.context.error_occurred.emit,
            key="find",
        )

    def _on_found(self, found: tuple[Found | None, list[tuple[str, Path]]]) -> None:
        one, others = found
        if one is None:
            self._waiting_run = None
            self._show(None)
            self._set_note("\n".join((_unmeasured(), why_not_written(self._project))).strip())
        elif one.evaluation is None:
            self._waiting_run = str(one.run_id)
            self._show(None)
            self._set_note(tr("Measuring…"))
        elif self._found is None or one.run_id != self._found.run_id:
            self._waiting_run = None
            self._show(one)
            self._remember(one)
        self.comparison.offer(others)
        self._allow_measuring(self._waiting_run is None and not self._asked)

    def _remember(self, found: Found) -> None:
        """Keep the images' scores of a measurement that has just ended."""
        project, evaluation = self._project, found.evaluation
        if project is None or project.read_only or evaluation is None:
            return
        if self._just_measured == str(found.run_id):
            self._tasks.start(
                lambda _progress: remember_scores(project, evaluation),
                on_done=lambda _none: None,
                on_failed=self.context.error_occurred.emit,
            )

    @Slot()
    def _on_measure(self) -> None:
        model = self.model_box.currentData()
        if model is None or self._asked:
            return
        self._asked = True
        self._allow_measuring(False)
        self._show(None)
        self._set_note(tr("Measuring…"))
        self.context.start_run(
            {
                "kind": "evaluate",
                "model_dir": model.folder,
                "split": self.split_box.currentData(),
                "save_masks": True,
                "save_odds": True,
            }
        )

    def _allow_measuring(self, allowed: bool) -> None:
        why = why_not_written(self._project)
        switch(self.measure_button, self._unmeasured.button, on=allowed and not why, why=why)
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
        if run_id == self._waiting_run and state not in ALIVE:
            self._waiting_run = None
            self._just_measured = run_id
            self._find()

    @Slot(object)
    def _on_error(self, _error: object) -> None:
        if self._asked:
            self._asked = False
            self._find()

    # Showing

    def _show(self, found: Found | None) -> None:
        evaluation = None if found is None else found.evaluation
        self._found, self._evaluation, self._tried = found, evaluation, None
        for part in (
            self.results, self.figures, self.measure_button, self.report.button, self.comparison.box
        ):  # fmt: skip
            part.setVisible(evaluation is not None)
        self._unmeasured.setVisible(evaluation is None)
        self._inspector.show_score(None, (), openable=False)
        colors = self._colors(evaluation)
        self.comparison.set_first(self._project, evaluation, self.model_box.currentText())
        self.results.show_evaluation(evaluation, colors)
        self.thresholds.show_evaluation(
            evaluation,
            colors,
            own=None if found is None else found.own,
            why_not_saved=why_not_written(self._project),
        )
        possible = evaluation is not None and can_try_thresholds(evaluation)
        self._runner.set_evaluation(evaluation if possible else None)
        self._tell_figures()

    def _tell_figures(self) -> None:
        """Show the figures of what is measured or tried, and report on that."""
        shown, model = self._tried or self._evaluation, self.model_box.currentData()
        project = self._project
        self.report.set_evaluation(
            None if model is None else model.folder,
            shown,
            start=Path.home() if project is None else project.folder,
        )
        if shown is not None:
            self.figures.show_evaluation(shown)

    @Slot(object)
    def _on_thresholds_changed(self, thresholds: tuple[float | None, ...]) -> None:
        if self._evaluation is None:
            return
        if self.thresholds.is_as_measured:
            self._runner.stop()
            self._show_tried(None)
        else:
            self._runner.measure(thresholds)

    @Slot(object)
    def _on_tried(self, tried: Evaluation) -> None:
        self._show_tried(tried)

    def _show_tried(self, tried: Evaluation | None) -> None:
        if self._evaluation is None:
            return
        self._tried = tried
        self.results.show_tried(tried or self._evaluation)
        self.thresholds.show_effect(tried)
        self._tell_figures()

    @Slot(object)
    def _on_save_thresholds(self, thresholds: tuple[float | None, ...] | None) -> None:
        model = self.model_box.currentData()
        if model is None:
            return
        project, name = self._project, self.model_box.currentText()

        def save(_progress: object) -> None:
            set_thresholds(model.folder, thresholds)
            if project is not None:
                project.trail.note(_thresholds_note(name, thresholds))

        self._tasks.start(
            save,
            on_done=lambda _none: self._on_thresholds_saved(thresholds),
            on_failed=self.context.error_occurred.emit,
            key="save",
        )

    def _on_thresholds_saved(self, thresholds: tuple[float | None, ...] | None) -> None:
        self.thresholds.set_own(thresholds)
        self.context.runs_changed.emit()  # what else shows the model reads it again

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
        self._unmeasured.show_text(self._unmeasured.title_label.text(), text)

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
    def _on_choice_changed(self) -> None:
        self._inspector.show_choice(len(self.results.images.chosen))

    @Slot()
    def _on_label_requested(self) -> None:
        score, chosen = self.results.images.current, self.results.images.chosen
        if len(chosen) > 1:
            self.context.navigate(LabelImages(tuple(one.image for one in chosen)))
        elif score is not None:
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
        self.results.images.choice_changed.connect(self._on_choice_changed)
        self.comparison.failed.connect(self.context.error_occurred)
        self.thresholds.changed.connect(self._on_thresholds_changed)
        self.thresholds.save_requested.connect(self._on_save_thresholds)
        self._runner.measured.connect(self._on_tried)
        self._runner.failed.connect(self.context.error_occurred)
        self.report.failed.connect(self.context.error_occurred)
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
        column.addWidget(self.report.line)
        column.addWidget(self.figures)
        column.addWidget(self._unmeasured, 1)
        column.addWidget(self.results, 1)
        self._pages.addWidget(empty)
        self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)

    def _make_header(self) -> QHBoxLayout:
        self.model_box.setAccessibleName(tr("Model"))
        self.split_box.setAccessibleName(tr("Subset"))
        for split, text in zip(
            _SUBSETS,
            (tr("validation images"), tr("test images"), tr("training images")),
            strict=True,
        ):
            self.split_box.addItem(text, split)
        set_icon(self.measure_button, "refresh")
        self.measure_button.setAccessibleName(tr("Measure again"))
        self.measure_button.setToolTip(
            tr("Measure again: predict these images and compare with their masks")
        )
        self.comparison.box.setMinimumContentsLength(_LETTERS)
        parts = (
            self.model_box,
            self.split_box,
            self.comparison.box,
            self.report.button,
            self.measure_button,
        )
        header = row(*parts)
        header.setStretch(0, 1)
        header.setStretch(2, 1)
        return header


def _unmeasured() -> str:
    return tr("This model has not been measured on these images yet.")


def _thresholds_note(name: str, thresholds: tuple[float | None, ...] | None) -> Message:
    """Return the line of the audit trail about thresholds that were saved in a model."""
    if thresholds is None:
        return message("{model}: thresholds removed.", model=name)
    values = ", ".join("–" if one is None else f"{one:.2f}" for one in thresholds)
    return message("{model}: thresholds changed to {values}.", model=name, values=values)
