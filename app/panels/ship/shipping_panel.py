"""Shipping: from a model to files that run on the line, with the proof that they do."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.ship.export_choices import ExportChoices
from app.panels.ship.export_flow import ExportFlow
from app.panels.ship.judging_choices import JudgingChoices
from app.panels.ship.judging_flow import JudgingFlow
from app.panels.ship.label_sizes import LabelSizes
from app.panels.ship.live_judging import LiveJudging
from app.panels.ship.object_table import ImageFacts
from app.panels.ship.outcomes import JudgedImage
from app.panels.ship.ship_actions import ShipActions
from app.panels.ship.ship_runs import ALIVE, ShipRuns, Trial, read_ship_runs
from app.panels.ship.shipping_inspector import ModelChoices, ShipInspector
from app.panels.ship.shipping_page import ShipPage
from app.panels.ship.stage_bar import Stage
from app.panels.ship.stage_statuses import stage_statuses
from app.panels.ship.verification_page import VerificationChoices
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import (
    InspectModel,
    LabelImage,
    SetUpTraining,
    ShipModel,
    ShowCompression,
    Target,
)
from app.widgets.layout import column
from app.widgets.switching import why_not_written
from core.images.palette import Color, default_palette
from core.portable.settings import Settings
from core.prediction.inspection import background_class
from core.project import Project, RunRow
from core.project.variant_choice import praise, suggested
from core.project.variants import ModelVariant, VariantReader
from core.runs.events import Event, Progress
from core.system.messages import message


class ShippingPanel(Panel):
    """Everything it shows comes from the project's runs, so a restarted window shows the same."""

    key = "shipping"
    title = message("Ship")
    icon = "ship"
    guide = "shipping-panel.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self, max_threads=1)  # one reader, one thread
        self._project: Project | None = None
        self._reader = VariantReader()
        self._progress: dict[int, Progress] = {}
        self._model: Path | None = None
        self._is_chosen = False  # by the user: else the suggested model is shown
        self._wanted: ShipModel | None = None
        self.runs = ShipRuns()
        self.page = ShipPage()
        self.model_choices = ModelChoices()
        self.trial_facts = ImageFacts()
        self.verification_choices = VerificationChoices()
        self.judging_choices = JudgingChoices(self.page.judging.regions)
        self.export_choices = ExportChoices()
        self.watch_facts = ImageFacts()
        self._export_side = QWidget()
        self._export_side.setLayout(column(self.export_choices, self.watch_facts))
        self.choices = ShipInspector(
            {
                Stage.MODEL: self.model_choices,
                Stage.TRY: self.trial_facts,
                Stage.VERIFY: self.verification_choices,
                Stage.RULES: self.judging_choices,
                Stage.EXPORT: self._export_side,
            }
        )
        self.judging = LiveJudging(self)
        self.label_sizes = LabelSizes(self)
        self.deciding = JudgingFlow(
            lambda: self._project,
            self.page.judging,
            self.judging_choices,
            model=lambda: self.current,
            tried=lambda: self._tried_images,
            parent=self,
        )
        self.starter = ShipActions(
            context,
            self._tasks,
            lambda: self.current,
            thresholds=self.judging_choices.thresholds_box.isChecked,
            widget=self,
        )
        self.exporting = ExportFlow(
            context,
            self.starter,
            self.page.exports,
            self.export_choices,
            model=lambda: self.current,
            runs=lambda: self.runs,
            settings=lambda: self.deciding.settings,
            widget=self,
        )
        self.watching = self.exporting.watching
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        self._connect()

    # The panel's contract

    def set_project(self, project: Project | None) -> None:
        """Show the models of a project, the one to ship chosen."""
        self._tasks.cancel_and_wait()  # the old project is closed next
        self.judging.set_project(project)
        self.label_sizes.set_project(project)
        self.watching.set_project(project)
        self._project = project
        self._reader = VariantReader()
        self._progress.clear()
        self._model, self._wanted, self._is_chosen = None, None, False
        self.exporting.forget()
        self.starter.forget()
        self._on_read(ShipRuns())
        self.page.judging.show_rules()
        self.page.judging.regions.forget()
        self.page.show_stage(Stage.MODEL)
        self._refresh()

    def job_event(self, run_id: str, event: Event) -> None:
        """Remember how far the jobs are; show what a trial has so far."""
        self.watching.job_event(run_id, event)
        if not run_id.isdigit() or not isinstance(event, Progress):
            return
        number = int(run_id)
        self._progress[number] = event
        trials = (self._own, self._validation)
        if any(trial is not None and trial.run.id == number for trial in trials):
            self.judging.notify()
        self._show_work()

    def status(self) -> StepStatus:
        """Blocked until there is a model, done once one is verified."""
        if self._project is None:
            return StepStatus(StepState.BLOCKED, message("Open a project first."))
        runs = self._project.runs()
        trained = (run for run in runs if run.kind == "train" and run.state not in ALIVE)
        if not any((run.folder / "best_model").is_dir() for run in trained):
            return StepStatus(StepState.BLOCKED, message("Train a model first."))
        return self.runs.step_status()

    def inspector(self) -> QWidget | None:
        """The choices of the stage that is shown."""
        return self.choices

    def navigate(self, target: Target) -> None:
        """Choose the model of ``ShipModel``, or the one that a run is about."""
        if isinstance(target, ShipModel):
            self._wanted = target
            self._refresh()  # the run may be newer than what was read

    def theme_changed(self) -> None:
        """Draw in the new colours."""
        self.page.renew_colors()
        self.model_choices.verdict.renew_colors()
        self.choices.renew_colors()
        self.trial_facts.renew_colors()
        self.judging_choices.renew_colors()
        self.export_choices.renew_colors()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._project = None  # it may be closed before the last queued signal arrives
        self._tasks.shut_down()
        self.judging.shut_down()
        self.label_sizes.shut_down()
        self.watching.shut_down()
        self.page.shut_down()

    @property
    def busy(self) -> bool:
        """Whether runs or pictures are still being read."""
        parts = (self._tasks, self.judging, self.label_sizes, self.watching, self.page)
        return any(part.busy for part in parts)

    @property
    def current(self) -> ModelVariant | None:
        """The model chosen."""
        return self.runs.variant(self._model)

    # Reading

    @Slot()
    def _refresh(self) -> None:
        project, reader = self._project, self._reader
        if project is None:
            return
        self._tasks.start(
            lambda progress: read_ship_runs(project, reader, progress.check),
            on_done=self._on_read,
            on_failed=self.context.error_occurred.emit,
            key="read",
        )

    def _on_read(self, runs: ShipRuns) -> None:
        self.runs = runs
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            named = wanted.model_dir or runs.model_of(wanted.run_id)
            self._is_chosen = self._is_chosen or named is not None
            self._model = named or self._model
        may_change = not self._is_chosen and self.page.stage is Stage.MODEL
        if self.current is None or may_change:
            best = suggested(runs.variants)
            self._model = None if best is None else best.folder
        self.page.show_page(bool(runs.variants))
        self.page.variants.show_variants(runs.variants, praise(runs.variants))
        self._show_model()
        if wanted is not None and wanted.run_id is not None:
            self.page.show_stage(runs.stage_of(wanted.run_id))
            self.page.exports.show_tab(runs.about.get(wanted.run_id, (None, ""))[1])
        self.watching.follow(runs.watched)
        self.exporting.go_on()
        self.status_changed.emit()

    @Slot()
    def _show_model(self) -> None:
        """Show everything about the model chosen."""
        current = self.current
        self.page.variants.select(self._model)
        self.model_choices.show_model(current)
        self.choices.show_model(current)
        self.export_choices.show_model(current)
        self.deciding.load()
        colors, background = self._colors(), self._background
        for review in (self.page.trial.review, self.page.judging.review):
            review.set_classes(tuple(colors.values()), background=background)
        labels = () if current is None else current.labels
        self.judging.set_trials(self._own, self._validation, labels, background)
        self._show_work()

    @property
    def _own(self) -> Trial | None:
        return None if self._model is None else self.runs.own.get(self._model)

    @property
    def _validation(self) -> Trial | None:
        return None if self._model is None else self.runs.validation.get(self._model)

    @property
    def _background(self) -> int | None:
        current = self.current
        return None if current is None else background_class(current.labels)

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

    @property
    def _tried_images(self) -> tuple[list[Path], Path | None]:
        """The images that the model was tried on, those of the project first, and the one seen."""
        for review in (self.page.judging.review, self.page.trial.review):
            if review.images:
                current = review.current
                images = [one.image for one in review.images]
                return images, None if current is None else current.image
        return [], None

    @Slot(bool)
    def _on_thresholds_changed(self, thresholds: bool) -> None:
        """Predict again where classes are to be chosen in another way than they were."""
        for trial in (self._own, self._validation):
            if trial is not None and trial.spec.thresholds != thresholds and not trial.is_alive:
                self.starter.try_again(trial.spec, thresholds=thresholds)

    @Slot(object)
    def _on_judging_used(self, settings: Settings) -> None:
        self.judging.set_settings(settings)
        if self.current is not None:
            self.label_sizes.set_settings(settings, self.current.labels, self._background)

    @Slot()
    def _on_judging_kept(self) -> None:
        self.exporting.write_settings()
        self._show_work()

    # What can be done, and what is being done

    @Slot()
    def _show_work(self) -> None:
        current = self.current
        why = why_not_written(self._project)
        free = current is not None and not why and not self.starter.preparing
        self.choices.show_note(
            tr("This project is open only for reading: nothing can be started.") if why else ""
        )
        for part in (
            self.page.trial,
            self.page.verification,
            self.page.judging,
            self.page.exports,
            self.trial_facts,
            self.verification_choices,
            self.judging_choices,
            self.export_choices,
            self.watch_facts,
        ):
            part.set_startable(free, why)
        self._show_trials()
        self._show_verification()
        self._show_exports()
        statuses = stage_statuses(self.runs, current, self.deciding.settings)
        self.page.bar.set_statuses(statuses)
        self.choices.show_done(statuses[self.page.stage].state is StepState.DONE)

    def _show_trials(self) -> None:
        own = self._own
        name = ""
        if own is not None:
            name = tr("Images in {folder}", folder=own.spec.source) if own.spec.source else ""
        self.page.trial.show_source(name or ("–" if own else ""), self._progress_text(own))

    def _progress_text(self, trial: Trial | None) -> str:
        if trial is None or not trial.is_alive:
            return ""
        return self._with_progress(tr("Looking at the images"), trial.run)

    def _show_verification(self) -> None:
        found = None if self._model is None else self.runs.verified.get(self._model)
        working = self._working("verify") or self._working("export")
        if working:
            self.page.verification.show_waiting(working)
        elif found is None:
            self.page.verification.show_waiting("")
        else:
            self.page.verification.show_result(found.result, found.pictures)
        self.verification_choices.show_result(None if found is None else found.result)

    def _show_exports(self) -> None:
        rows = [] if self._model is None else self.runs.export_rows(self._model)
        self.page.exports.show_exports(rows)
        working = (self._working(kind) for kind in ("export", "verify", "bundle"))
        self.page.exports.show_activity(next(filter(None, working), ""))
        self.exporting.show_folder()
        self._show_speed()

    def _show_speed(self) -> None:
        speed, timing = self.page.exports.speed, self.runs.timing
        if timing is not None:
            text = self._with_progress(tr("Measuring"), timing)
            speed.show_waiting(text, exported=True)
        elif self.runs.benchmark is not None:
            speed.show_result(self.runs.benchmark)
        else:
            speed.show_waiting("", exported=bool(self.runs.all_exports))

    def _working(self, kind: str) -> str:
        """Say how far a job of this kind on the model is; empty: there is none."""
        active = None if self._model is None else self.runs.working(kind, self._model)
        if active is None:
            return ""
        names = {
            "export": tr("Exporting"),
            "verify": tr("Verifying"),
            "bundle": tr("Making the bundle"),
        }
        return self._with_progress(names[kind], active.run)

    def _with_progress(self, text: str, run: RunRow) -> str:
        if run.state == "queued":
            return tr("{what} as soon as the job before is done", what=text)
        progress = self._progress.get(run.id)
        if progress is None or not progress.steps:
            return f"{text}…"
        return tr("{what} {percent:.0f} %", what=text, percent=100 * progress.step / progress.steps)

    # Trials

    @Slot(object)
    def _on_own_judged(self, images: list[JudgedImage]) -> None:
        self.page.trial.review.show_images(images)

    @Slot(object)
    def _on_validation_judged(self, images: list[JudgedImage]) -> None:
        self.page.judging.show_effect(images, self._progress_text(self._validation))

    @Slot(object)
    def _on_own_chosen(self, one: JudgedImage | None) -> None:
        self.trial_facts.show_image(one, self._colors())

    @Slot(object)
    def _on_validation_chosen(self, one: JudgedImage | None) -> None:
        self.judging_choices.facts.show_image(one, self._colors())

    @Slot(object)
    def _on_label_requested(self, one: JudgedImage) -> None:
        """Bring an image into the project if it is not there, and open it for labelling."""
        project = self._project
        if project is None:
            return
        image_id = project.find_image(one.image) or project.find_same(one.image)
        if image_id is None:
            project.add_images([one.image])
            self.context.dataset_changed.emit()
        image = one.image if image_id is None else project.image(image_id).path
        self.context.navigate(LabelImage(image))

    # Watching

    @Slot(object)
    def _on_watched_chosen(self, one: JudgedImage | None) -> None:
        self.watch_facts.show_image(one, self._colors(), measured=False)

    @Slot(int)
    def _on_tab_changed(self, _place: int) -> None:
        watches = self.page.exports.shows_watching
        self.export_choices.setVisible(not watches)
        self.watch_facts.setVisible(watches)

    # Choosing

    @Slot(object)
    def _on_variant_chosen(self, variant: ModelVariant) -> None:
        self._model, self._is_chosen = variant.folder, True
        self.export_choices.folder = None
        self._show_model()

    @Slot()
    def _on_next(self) -> None:
        self.page.show_stage(Stage(self.page.stage + 1))

    @Slot(int)
    def _on_stage_changed(self, stage: int) -> None:
        self.choices.show_stage(Stage(stage))
        self.choices.show_model(self.current)
        self._show_work()

    @Slot()
    def _on_inspect(self) -> None:
        root = None if self.current is None else self.runs.variant(self.current.root)
        self.context.navigate(InspectModel(None if root is None else root.run_id))

    @Slot()
    def _on_compress(self) -> None:
        current = self.current
        self.context.navigate(ShowCompression(None if current is None else current.run_id))

    def _connect(self) -> None:
        page, actions = self.page, self.starter
        page.train_requested.connect(lambda: self.context.navigate(SetUpTraining()))
        page.stage_changed.connect(self._on_stage_changed)
        page.variants.chosen.connect(self._on_variant_chosen)
        page.trial.folder_requested.connect(actions.try_folder)
        page.trial.dropped.connect(actions.try_paths)
        page.trial.validation_requested.connect(actions.try_validation)
        page.trial.review.image_chosen.connect(self._on_own_chosen)
        page.judging.trial_requested.connect(actions.try_validation)
        page.judging.review.image_chosen.connect(self._on_validation_chosen)
        page.verification.verify_requested.connect(self.exporting.verify)
        self.choices.next_requested.connect(self._on_next)
        self.model_choices.inspect_requested.connect(self._on_inspect)
        self.model_choices.compress_requested.connect(self._on_compress)
        self.trial_facts.label_requested.connect(self._on_label_requested)
        self.judging_choices.facts.label_requested.connect(self._on_label_requested)
        self.deciding.used.connect(self._on_judging_used)
        self.label_sizes.found.connect(self.judging_choices.show_ignored)
        self.label_sizes.failed.connect(self.context.error_occurred)
        self.deciding.kept.connect(self._on_judging_kept)
        self.deciding.thresholds_changed.connect(self._on_thresholds_changed)
        self.verification_choices.verify_requested.connect(self.exporting.verify)
        page.exports.tabs.currentChanged.connect(self._on_tab_changed)
        page.exports.watch.review.image_chosen.connect(self._on_watched_chosen)
        self.watch_facts.label_requested.connect(self._on_label_requested)
        self._on_tab_changed(0)
        self.judging.own_judged.connect(self._on_own_judged)
        self.judging.validation_judged.connect(self._on_validation_judged)
        self.judging.failed.connect(self.context.error_occurred)
        actions.changed.connect(self._show_work)
        self.context.runs_changed.connect(self._refresh)
