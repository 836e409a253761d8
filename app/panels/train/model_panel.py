"""Setting up a training: a network, how long, and what the data suggests for the rest."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.look.translation import tr, translated
from app.panels.base import Panel, StepState, StepStatus
from app.panels.train.augmented_pictures import Change
from app.panels.train.preset_explanation import PresetExplanation
from app.panels.train.preset_inputs import PresetInputs, read_preset_inputs
from app.panels.train.resume_banner import ResumeBanner
from app.panels.train.training_page import NAMES, TrainingPage
from app.panels.train.work_status import work_status
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import SetUpTraining, ShowDataset, ShowTraining, Target
from app.widgets.duration_text import duration_text
from app.widgets.empty_state import EmptyState
from app.widgets.switching import why_not_written
from core.advice import presets
from core.advice.checks import find_problems, memory_warning
from core.advice.next_step import WORTH_A_TRAINING, missing_for_training
from core.models.catalog import NETWORKS, ModelName
from core.models.image_sizes import size_warning
from core.project import ImageCounts, Project
from core.system.devices import DeviceInfo
from core.system.engine_devices import training_devices
from core.system.errors import InputError
from core.system.messages import Message, message


class ModelPanel(Panel):
    """Suggests settings, explains them, checks what the user makes of them, and starts the run."""

    key = "model"
    title = message("New run")
    icon = "train"
    guide = "training.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self)
        self._project: Project | None = None
        self._data: PresetInputs | None = None
        self._preset: presets.Preset | None = None
        self._counts: ImageCounts | None = None  # None: to be counted
        self._missing: Message | None = None
        self._fresh = 0  # images that were labelled since the newest training
        self._wanted: SetUpTraining | None = None
        self._network: ModelName | None = None  # what the user chose; None: take the suggestion
        self._stale = True
        self._starting = False
        self._problems_shown = False
        self._pages = QStackedWidget()
        self._empty = EmptyState("dataset", "", "")
        self.page = TrainingPage()
        self.banner = ResumeBanner(context, is_strip=True)
        self.variants = self.page.form.variants
        self.networks, self.qualities = self.page.networks, self.page.qualities
        self.goals = self.page.goals
        self.form, self.reasons = self.page.form, PresetExplanation()
        self.reset_button = self.page.reset_button
        footer = self.page.footer
        self.estimate, self.warning, self.problem = footer.estimate, footer.warning, footer.problem
        self.start_button = footer.start_button
        self._build()
        self._connect()
        self.form.set_devices(self._devices())

    # The panel's contract

    def set_project(self, project: Project | None) -> None:
        """Suggest settings for this project's data."""
        self._tasks.cancel_all()
        self._project, self._data, self._preset, self._counts = project, None, None, None
        self._network = None
        self.variants.set_project(project)
        self.qualities.choose(1)
        self.goals.choose(0)
        self._name_start()
        self._refresh()

    def activated(self) -> None:
        """Look at the data again if it changed meanwhile."""
        if self._stale:
            self._refresh()

    def status(self) -> StepStatus:
        """Blocked until there are images to train on and to measure with; done after a run."""
        if self._project is None:
            return StepStatus(StepState.BLOCKED, message("Open a project first."))
        if self._counts is None:  # asked for after every event of a job: one query a change
            self._set_counts(self._project, self._project.counts())
        if self._missing is not None:
            return StepStatus(StepState.BLOCKED, self._missing)
        runs = self._project.runs("train")
        if (at_work := work_status(self.context, runs)) is not None:
            return at_work
        if self.context.verdicts.all_warn(runs):
            return StepStatus(StepState.WARNING, message("No model finds anything yet."))
        if any(run.state == "done" for run in runs):
            if self._fresh >= WORTH_A_TRAINING:
                text = message(
                    "{count} {count:image|images} labelled since the last training.",
                    count=self._fresh,
                )
                return StepStatus(StepState.NEXT, text)
            return StepStatus(StepState.DONE, message("A model is trained."))
        return StepStatus(StepState.NEXT, message("Ready to train."))

    def inspector(self) -> QWidget | None:
        """Why the values are what they are."""
        return self.reasons

    def theme_changed(self) -> None:
        """Draw the cards in the new colours."""
        self.banner.renew_colors()
        self.networks.renew_colors()
        self.qualities.renew_colors()
        self.goals.renew_colors()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._project = None  # it may be closed before the last queued signal arrives
        self._tasks.shut_down()
        self.variants.shut_down()

    @property
    def busy(self) -> bool:
        """Whether the data is still being counted, or its variants are being drawn."""
        return self._tasks.busy or self.variants.busy

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the run that Start would begin, without ``data_dir``."""
        model = NAMES[max(0, self.networks.index)]
        return {"kind": "train", "model": model, **self.form.values()}

    def navigate(self, target: Target) -> None:
        """Change what is suggested as ``SetUpTraining`` wants it."""
        if isinstance(target, SetUpTraining) and target != SetUpTraining():
            self._wanted = target
            if not self._tasks.busy:
                self._change_as_wanted()

    def _change_as_wanted(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is None or self._preset is None:
            return
        if wanted.class_weights:
            self.form.weight_classes()
        if wanted.larger_input:
            self.form.enlarge_input()
        self.form.advanced_button.setChecked(True)

    # Suggesting

    def _refresh(self) -> None:
        project = self._project
        self._stale = False
        if project is None:
            self._pages.setCurrentIndex(0)
            return
        if self._data is None and self._missing is None:
            self._empty.show_text(tr("Looking at the labels …"), "", action="")
        self._tasks.start(
            lambda progress: read_preset_inputs(project, progress),
            on_done=self._on_gathered,
            on_failed=self.context.error_occurred.emit,
            key="gather",
        )

    def _on_gathered(self, data: PresetInputs) -> None:
        # New data and new runs bring new suggestions, but never over what the user has set.
        fill = not self._differs()
        self._data = data
        self.form.set_runs(data.runs)
        ready = bool(data.statistics.train_images)
        if not ready:
            self._say_what_is_missing()
        self._pages.setCurrentIndex(1 if ready else 0)
        if ready:
            self._suggest(fill=fill)
            self._change_as_wanted()
        self.status_changed.emit()

    def _say_what_is_missing(self) -> None:
        missing = translated(self._missing) if self._missing is not None else ""
        self._empty.show_text(
            tr("Nothing to train on yet"),
            missing or tr("Label images and split them; then this page suggests the settings."),
            action=tr("Go to the data"),
        )

    def _suggest(self, *, fill: bool) -> None:
        if self._data is None or not self._data.statistics.train_images:
            return
        device = self._device()
        quality = presets.QUALITIES[self.qualities.index]
        self._preset = self._preset_for(device, quality, self._network)
        self.networks.choose(NAMES.index(self._preset.model))
        self._show_costs(device)
        self.reasons.show_preset(self._preset, self._data.statistics)
        if fill:
            self.form.fill(self._preset)
        self._on_changed()

    def _preset_for(
        self, device: DeviceInfo, quality: presets.Quality, model: ModelName | None
    ) -> presets.Preset:
        if self._data is None:
            raise RuntimeError("no data yet")
        return presets.suggest(
            self._data.statistics,
            device,
            facts=self._data.facts,
            quality=quality,
            goal=presets.GOALS[self.goals.index],
            model=model,
            measured=self._data.speeds_on(device.kind),
        )

    def _show_costs(self, device: DeviceInfo) -> None:
        """Write time and size on the cards."""
        preset = self._preset
        if preset is None:
            return
        for card, quality in zip(self.qualities.cards, presets.QUALITIES, strict=True):
            seconds = self._preset_for(device, quality, preset.model).estimated_seconds
            card.fact.setText(tr("about {duration}", duration=duration_text(seconds)))
        for card, network in zip(self.networks.cards, NAMES, strict=True):
            seconds = self._epoch_seconds(preset.image_size, network, device)
            card.fact.setText(
                tr(
                    "about {duration} an epoch\n{millions:.1f} million parameters",
                    millions=NETWORKS[network].cost.parameters / 1e6,
                    duration=duration_text(seconds),
                )
            )

    def _epoch_seconds(
        self, image_size: tuple[int, int], network: ModelName, device: DeviceInfo
    ) -> float:
        """Return what an epoch takes, at one image size for all networks: to be compared."""
        if self._data is None:
            raise RuntimeError("no data yet")
        measured = self._data.speeds_on(device.kind)
        return presets.training_seconds(
            image_size,
            self._data.statistics.train_images,
            1,
            presets.expected_speed(network, device, measured),
        )

    def _devices(self) -> tuple[DeviceInfo, ...]:
        return self.context.devices or training_devices()

    def _device(self) -> DeviceInfo:
        name = self.form.device_box.currentData()
        devices = self._devices()
        return next((device for device in devices if device.spec_name == name), devices[0])

    # Checking and starting

    @Slot()
    def _on_changed(self) -> None:
        """Renew estimate and sentences after any change."""
        data = self._data
        if data is None:
            return
        fields, device = self.fields, self._device()
        self.variants.show_change(Change.from_fields(fields))
        measured = data.speeds_on(device.kind)
        seconds = presets.training_seconds(
            fields["image_size"],
            fields["epoch_images"] or data.statistics.train_images,
            fields["epochs"],
            presets.expected_speed(fields["model"], device, measured),
        )
        if fields["minutes"] is not None:
            seconds = min(seconds, 60 * fields["minutes"])
        memory = presets.training_memory(
            fields["model"], fields["image_size"], fields["batch_size"]
        )
        template = (
            tr("About {duration} and {memory:.1f} GB of memory, going by earlier runs here.")
            if measured
            else tr("About {duration} and {memory:.1f} GB of memory, roughly estimated.")
        )
        self.estimate.setText(template.format(duration=duration_text(seconds), memory=memory / 1e9))
        found = (memory_warning(fields, device), size_warning(fields["image_size"]))
        warnings = [translated(warning) for warning in found if warning is not None]
        self.warning.setText("\n".join(warnings))
        self.warning.setVisible(bool(warnings))
        self.reset_button.setVisible(self._differs())
        if self.problem.isVisibleTo(self) or self._problems_shown:
            self._check()

    def _differs(self) -> bool:
        """Whether the user changed what was suggested."""
        preset, fields = self._preset, self.fields
        if preset is None:
            return False
        names = ("image_size", "image_scale", "batch_size", "epochs", "optimizer", "class_weights")
        rate = abs(fields["learning_rate"] - preset.learning_rate) > 1e-9
        minutes = fields["minutes"] != max(1, round(preset.minutes))
        return (
            rate
            or minutes
            or fields["augmentation"] != preset.augmentation
            or bool(fields["model_params"])
            or self.form.weights_differ
            or any(fields[name] != getattr(preset, name) for name in names)
        )

    def _check(self) -> bool:
        """Show what is wrong beside its field; returns whether all is well."""
        if self._data is None:
            return False
        problems = {
            name: translated(text)
            for name, text in find_problems(self.fields, self._data.statistics).items()
        }
        self.form.show_problems(problems)
        self._problems_shown = bool(problems)
        rest = problems.get("data", "")
        if problems and not rest:
            rest = tr("Please correct the marked settings.")
        self.problem.setText(rest)
        self.problem.setVisible(bool(rest))
        return not problems

    @Slot()
    def _on_start(self) -> None:
        if self._starting or not self._check():
            return
        self._set_starting(True)
        try:
            self.context.start_run(self.fields)
        except InputError as error:
            self._set_starting(False)
            self.context.error_occurred.emit(error)

    def _set_starting(self, starting: bool) -> None:
        self._starting = starting
        self._name_start()

    @Slot()
    def _name_start(self) -> None:
        """While another job is at work, a new training waits for its turn."""
        waits = self.context.jobs.is_busy
        why = why_not_written(self._project)
        self.start_button.setEnabled(not self._starting and not why)
        usual = tr("Add to the queue") if waits else tr("Start training")
        self.start_button.setText(tr("Starting…") if self._starting else usual)
        if why:
            self.start_button.setToolTip(why)
            return
        self.start_button.setToolTip(
            tr("Freeze the data; it begins when the jobs before it have ended (Ctrl+Return)")
            if waits
            else tr("Freeze the data and begin (Ctrl+Return)")
        )
        self.start_button.setShortcut("Ctrl+Return")  # a new text takes it away

    @Slot(str)
    def _on_run_started(self, run_id: str) -> None:
        self._stale = True
        if self._starting:
            self._set_starting(False)
            self.context.navigate(ShowTraining(int(run_id)))

    @Slot(str, str)
    def _on_run_state_changed(self, _run_id: str, state: str) -> None:
        if state == "done":
            self._counts = None  # what it has seen is not new any more

    @Slot(object)
    def _on_error(self, _error: object) -> None:
        self._set_starting(False)

    @Slot(int)
    def _on_network_chosen(self, index: int) -> None:
        self._network = NAMES[index]
        self._suggest(fill=True)

    @Slot(int)
    def _on_goal_chosen(self, index: int) -> None:
        if presets.GOALS[index] == "accurate":
            self.qualities.choose(presets.QUALITIES.index("thorough"))
        self._suggest(fill=True)

    @Slot()
    def _on_chosen(self) -> None:
        self._suggest(fill=True)

    @Slot(object)
    def _on_counts_changed(self, counts: ImageCounts) -> None:
        if self._project is not None:
            self._set_counts(self._project, counts)
            self._stale = True
            self.status_changed.emit()

    def _set_counts(self, project: Project, counts: ImageCounts) -> None:
        self._counts = counts
        newest = next((run for run in project.runs("train") if run.state == "done"), None)
        self._fresh = 0 if newest is None else project.labelled_since(newest)
        self._missing = missing_for_training(
            counts, shows_classes=project.shows_classes(), divides_itself=project.divides_itself
        )

    @Slot()
    def _on_data_changed(self) -> None:
        self._stale = True
        self._counts = None
        self.variants.forget_example()
        if self.isVisible():
            self._refresh()
        self.status_changed.emit()

    @Slot()
    def _on_devices_changed(self) -> None:
        self.form.set_devices(self._devices())
        self._suggest(fill=not self._differs())

    @Slot()
    def _on_reset(self) -> None:
        if self._preset is not None:
            self.form.fill(self._preset)

    @Slot()
    def _on_open_data(self) -> None:
        self.context.navigate(ShowDataset())

    # Building

    def _connect(self) -> None:
        self.networks.group.idClicked.connect(self._on_network_chosen)
        self.qualities.group.idClicked.connect(self._on_chosen)
        self.goals.group.idClicked.connect(self._on_goal_chosen)
        self.form.device_chosen.connect(self._on_chosen)
        self.form.changed.connect(self._on_changed)
        self.variants.failed.connect(self.context.error_occurred)
        self.start_button.clicked.connect(self._on_start)
        self.reset_button.clicked.connect(self._on_reset)
        self.context.run_started.connect(self._on_run_started)
        self.context.error_occurred.connect(self._on_error)
        self.context.runs_changed.connect(self._name_start)
        self.context.run_state_changed.connect(self._on_run_state_changed)
        self.context.dataset_changed.connect(self._on_data_changed)
        self.context.counts_changed.connect(self._on_counts_changed)
        self.context.subsets_changed.connect(self._on_data_changed)
        self.context.devices_changed.connect(self._on_devices_changed)

    def _build(self) -> None:
        self._empty.action_requested.connect(self._on_open_data)
        self._say_what_is_missing()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self._pages)
