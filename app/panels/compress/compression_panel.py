"""Compression: what can go from a model, what that costs, and which variant is worth shipping."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.compress import spec_fields
from app.panels.compress.compression_inspector import CompressionInspector
from app.panels.compress.compression_page import CompressionPage, View
from app.panels.compress.job_actions import CompressionActions
from app.panels.compress.model_runs import ALIVE, ModelRuns, read_masks, read_model_runs
from app.panels.compress.run_follower import RunFollower
from app.panels.compress.sensitivity_analysis import Analysis
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import ShowCompression, Target
from app.widgets.switching import why_not_written
from app.widgets.variant_names import model_name, origin_text, variant_name
from core.images.palette import Color, default_palette
from core.prediction.inspection import Evaluation
from core.project import Project, RunRow
from core.project.variant_choice import best_trained
from core.project.variants import COMPRESSING, ModelVariant, VariantReader, family
from core.runs.events import Event, Progress
from core.system.messages import message


class CompressionPanel(Panel):
    """Everything it shows comes from the project's runs, so a restarted window shows the same."""

    key = "compression"
    title = message("Compress")
    icon = "compress"
    guide = "compression-panel.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self, max_threads=1)  # one reader, one thread
        self._project: Project | None = None
        self._reader = VariantReader()
        self._evaluations: dict[Path, Evaluation] = {}  # by run folder
        self._progress: dict[int, Progress] = {}
        self._shown: Path | None = None
        self._wanted: int | None = None  # a run to show once it is known
        self._is_chosen = False  # by the user: else the best trained model is shown
        self.runs = ModelRuns()
        self.page = CompressionPage()
        self.choices = CompressionInspector()
        self.analysis = Analysis(self.page.sensitivity, self.choices.prune, self)
        self._curve_run = RunFollower(self)
        self.starter = CompressionActions(
            context,
            self.page,
            self.choices,
            analysis=self.analysis,
            model=lambda: self.current,
            runs=lambda: self.runs,
            parent=self,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        self._connect()

    # The panel's contract

    def set_project(self, project: Project | None) -> None:
        """Show the variants of the best model."""
        self._is_chosen = False
        self._tasks.cancel_and_wait()  # the old project is closed next
        self._project = project
        self._reader = VariantReader()
        self._evaluations.clear()
        self._progress.clear()
        self._wanted = None
        self.starter.forget()
        self._on_read(ModelRuns())
        self._refresh()

    def job_event(self, run_id: str, event: Event) -> None:
        """Follow the analysis and the curves; remember how far the other jobs are."""
        for follower in (self.analysis.follower, self._curve_run):
            if follower.run_id == run_id:
                follower.notify()
        if isinstance(event, Progress) and run_id.isdigit():
            self._progress[int(run_id)] = event
            self._show_progress()

    def status(self) -> StepStatus:
        """Blocked until there is a model, done once there is a smaller one."""
        if self._project is None:
            return StepStatus(StepState.BLOCKED, message("Open a project first."))
        runs = self._project.runs()
        if self.context.verdicts.all_warn(run for run in runs if run.kind in COMPRESSING):
            return StepStatus(StepState.WARNING, message("No compressed model finds anything."))
        if any(run.kind in COMPRESSING and run.state == "done" for run in runs):
            return StepStatus(StepState.DONE, message("A model is compressed."))
        trained = [run for run in runs if run.kind == "train" and run.state not in ALIVE]
        if self.context.verdicts.all_warn(trained):
            return StepStatus(StepState.WARNING, message("No model finds anything yet."))
        if any((run.folder / "best_model").is_dir() for run in trained):
            return StepStatus(StepState.NEXT, message("Ready to compress."))
        return StepStatus(StepState.BLOCKED, message("Train a model first."))

    def inspector(self) -> QWidget | None:
        """What can be made of the chosen variant."""
        return self.choices

    def navigate(self, target: Target) -> None:
        """Show what the run of ``ShowCompression`` works on or made, and its curves if any."""
        if isinstance(target, ShowCompression) and target.run_id is not None:
            self._refresh()  # the run may be newer than what was read
            self._wanted = target.run_id

    def theme_changed(self) -> None:
        """Draw in the new colours."""
        self.page.renew_colors()
        self.choices.renew_colors()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._project = None  # it may be closed before the last queued signal arrives
        self._tasks.shut_down()
        self._curve_run.shut_down()
        self.analysis.shut_down()
        self.page.shut_down()

    @property
    def busy(self) -> bool:
        """Whether runs or pictures are still being read."""
        parts = (self._tasks, self._curve_run, self.analysis, self.page.compare)
        return any(part.busy for part in parts)

    @property
    def current(self) -> ModelVariant | None:
        """The variant chosen."""
        folder = self.page.model_box.currentData()
        return None if folder is None else self.runs.variant(Path(folder))

    # Reading

    @Slot()
    def _refresh(self) -> None:
        project, reader = self._project, self._reader
        if project is None:
            return
        self._tasks.start(
            lambda progress: read_model_runs(project, reader, progress.check),
            on_done=self._on_read,
            on_failed=self.context.error_occurred.emit,
            key="read",
        )

    def _on_read(self, runs: ModelRuns) -> None:
        box = self.page.model_box
        chosen = box.currentData() if self._is_chosen else None
        if chosen not in {str(variant.folder) for variant in runs.variants}:
            best = best_trained(runs.variants)
            chosen = None if best is None else str(best.folder)
        self.runs = runs
        with QSignalBlocker(box):
            box.clear()
            for variant in runs.variants:
                box.addItem(model_name(variant), str(variant.folder))
                if str(variant.folder) == chosen:
                    box.setCurrentIndex(box.count() - 1)
        self.page.show_page(bool(runs.variants))
        self._show_model()
        self._show_wanted()
        self.status_changed.emit()

    def _show_wanted(self) -> None:
        """Show the run that was asked for, once."""
        wanted, self._wanted = self._wanted, None
        runs = self.runs
        if wanted is None:
            return
        analysed = {run.id: folder for folder, run in runs.sensitivity.items()}
        works_on = {one.run.id: one.model_dir for one in runs.active} | analysed
        for variant in runs.variants:
            if variant.run_id == wanted or variant.folder == works_on.get(wanted):
                self._choose(variant)
        if wanted in analysed:
            self.page.show_view(View.SENSITIVITY)
        elif self.page.curves.select(wanted):
            self.page.show_view(View.CURVES)
        else:
            self.page.show_view(View.VARIANTS)

    @Slot()
    def _show_model(self) -> None:
        """Show the chosen variant among those of the same model."""
        current = self.current
        shown = [] if current is None else family(self.runs.variants, current.root)
        self.page.variants.show_variants(shown, self._colors())
        self.page.variants.select(current)
        self.choices.show_model(
            "" if current is None else variant_name(current),
            "" if current is None else origin_text(current),
        )
        self.analysis.show_model(self.runs, current)
        self.page.compare.set_variants(shown)
        if current is not None and current.folder != self._shown:
            self.page.compare.choose(current.root, current.folder)
        self._shown = None if current is None else current.folder
        self._read_masks(shown)
        self.page.curves.set_runs(self._training_runs(shown))
        self._show_work()

    def _read_masks(self, shown: Sequence[ModelVariant]) -> None:
        masks = self.runs.masks
        runs = {one.folder: masks[one.folder] for one in shown if one.folder in masks}
        known, colors = dict(self._evaluations), self._colors()

        def take_over(found: dict[Path, Evaluation]) -> None:
            self._evaluations |= found
            evaluations = {folder: found[run.folder] for folder, run in runs.items()}
            self.page.compare.set_evaluations(evaluations, colors)

        self._tasks.start(
            lambda progress: read_masks(runs, known, progress.check),
            on_done=take_over,
            on_failed=self.context.error_occurred.emit,
            key="masks",
        )

    def _training_runs(self, shown: Sequence[ModelVariant]) -> list[RunRow]:
        """Return the runs that train a compressed network of this family, newest first."""
        made = {variant.run_id for variant in shown}
        folders = {variant.folder for variant in shown}
        active = {one.run.id for one in self.runs.active if one.model_dir in folders}
        return [run for run in self.runs.trained if run.id in made | active]

    def _colors(self) -> dict[str, Color]:
        """The project's colours by class name: ids may have changed since the training."""
        current = self.current
        if current is None or self._project is None:
            return {}
        known = {c.name: c.color for c in self._project.labels()}
        spare = default_palette(len(current.labels))
        return {
            name: known.get(name, color) for name, color in zip(current.labels, spare, strict=True)
        }

    # What can be done, and what is being done

    @Slot()
    def _show_work(self) -> None:
        current, runs = self.current, self.runs
        why = why_not_written(self._project)
        free = current is not None and not why and not self.starter.preparing
        self.choices.show_note(
            tr("This project is open only for reading: nothing can be started.") if why else ""
        )
        verdict = None if current is None else current.verdict
        warns = verdict is not None and verdict.is_warning
        self.choices.verdict.show_verdict(verdict if warns else None)
        self.choices.allow(
            prune=spec_fields.prune_problem(current) if current is not None and free else None,
            quantize=spec_fields.quantize_problem(current)
            if current is not None and free
            else None,
            measure=free,
            why=why,
        )
        analysing = current is not None and runs.working("sensitivity", current.root) is not None
        self.page.sensitivity.set_startable(free and not analysing, why)
        self.page.variants.set_startable(free, why)
        self.page.compare.set_startable(free, why)
        self.page.compare.set_waiting(runs.working("evaluate") is not None)
        self._show_progress()

    def _notes(self) -> dict[Path, str]:
        return {
            one.model_dir: self._with_progress(tr("measuring"), one.run.id)
            for one in self.runs.active
            if one.run.kind == "measure"
        }

    def _show_progress(self) -> None:
        """Say how far the jobs are."""
        self.page.variants.set_notes(self._notes())
        names = {
            "prune": tr("pruning"),
            "quantize": tr("quantising"),
            "sensitivity": tr("analysing"),
        }
        active = [one.run for one in self.runs.active if one.run.kind in names]
        text = " · ".join(self._with_progress(names[run.kind], run.id) for run in active)
        trained = {run.id for run in self.runs.trained}
        self.page.show_activity(text, trains=any(run.id in trained for run in active))

    def _with_progress(self, text: str, run_id: int) -> str:
        progress = self._progress.get(run_id)
        if progress is None or not progress.steps:
            return f"{text}…"
        return tr("{what} {percent:.0f} %", what=text, percent=100 * progress.step / progress.steps)

    # Choosing

    @Slot()
    def _on_starter_changed(self) -> None:
        if self.starter.preparing:  # what is worked on stays in sight
            self._is_chosen = True
        self._show_work()

    @Slot()
    def _on_model_chosen(self) -> None:
        self._is_chosen = True

    def _choose(self, variant: ModelVariant) -> None:
        self._is_chosen = True
        self.page.model_box.setCurrentIndex(self.page.model_box.findData(str(variant.folder)))

    @Slot(object)
    def _on_chosen(self, variant: ModelVariant) -> None:
        self._choose(variant)

    @Slot()
    def _on_curves_requested(self) -> None:
        self.page.show_view(View.CURVES)

    @Slot(object)
    def _on_curve_run_chosen(self, run: RunRow | None) -> None:
        self._curve_run.follow(run)

    @Slot()
    def _on_curves_opened(self) -> None:
        self.page.curves.show_run(self._curve_run.reader)

    @Slot()
    def _on_curves_changed(self) -> None:
        if self._curve_run.reader is not None:
            self.page.curves.show_history(self._curve_run.reader)

    def _connect(self) -> None:
        self.page.model_box.activated.connect(self._on_model_chosen)
        self.page.model_box.currentIndexChanged.connect(self._show_model)
        self.page.variants.chosen.connect(self._on_chosen)
        self.page.curves_button.clicked.connect(self._on_curves_requested)
        self.page.curves.run_chosen.connect(self._on_curve_run_chosen)
        self._curve_run.opened.connect(self._on_curves_opened)
        self._curve_run.changed.connect(self._on_curves_changed)
        for follower in (self._curve_run, self.analysis.follower):
            follower.failed.connect(self.context.error_occurred)
        self.analysis.failed.connect(self.context.error_occurred)
        self.starter.changed.connect(self._on_starter_changed)
        self.context.runs_changed.connect(self._refresh)
