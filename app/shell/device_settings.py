"""What jobs compute on: the processor, or the GPU through an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLocale, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QFrame, QProgressBar, QVBoxLayout, QWidget

from app.look.theme import GRID, set_role
from app.look.translation import tr, translated
from app.services.background import BackgroundTasks, Progress
from app.shell.prepare_dialog import PrepareDialog, WantedFolder
from app.shell.top_bar import device_facts
from app.widgets import dialogs
from app.widgets.layout import button, label, row
from app.widgets.notice_bar import NoticeBar
from app.widgets.problem_bar import ProblemBar
from app.widgets.problem_fixes import plain_problem
from core.system.devices import DeviceInfo, list_devices
from core.system.gpu_environment.build_choice import BUILDS, ENGINE_VERSION
from core.system.gpu_environment.environment_folders import (
    environments_folder,
    switch_off,
    switch_on,
)
from core.system.gpu_environment.environment_making import (
    install_environment,
    prepare_folder,
    remove_environments,
)
from core.system.gpu_environment.environment_status import GpuStatus, gpu_status
from core.system.messages import Message, message
from core.system.reporting import Reporter

_BAR_STEPS = 1000


class DeviceSettings(QWidget):
    """Shows how things stand and does what is chosen; work goes on in the background.

    Attributes:
        status: how things stand with the GPU; None while it is looked for.
    """

    changed = Signal()
    """Jobs that start from now on may compute on something else."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self.status: GpuStatus | None = None
        self.processor = label(wrap=True)
        self.title = label(tr("Looking for devices…"), "heading")
        self.state = label()
        self.facts = label("", "muted", wrap=True)
        self.sentence = label("", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.stage = label("", "muted", wrap=True)
        self.use_button = button(tr("Use the GPU"), "primary")
        self.stop_button = button(tr("Stop"), icon="stop")
        self.leave_button = button(tr("Back to the processor"))
        self.folder_button = button(tr("Take it from a prepared folder…"), "link")
        self.prepare_button = button(tr("Prepare a folder for another computer…"), "link")
        self.remove_button = button(tr("Delete the GPU environment…"), "link")
        self.use_button.clicked.connect(self._on_use)
        self.stop_button.clicked.connect(self._on_stop)
        self.leave_button.clicked.connect(self._on_leave)
        self.folder_button.clicked.connect(self._on_folder)
        self.prepare_button.clicked.connect(self._on_prepare)
        self.remove_button.clicked.connect(self._on_remove)
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        inside.setSpacing(GRID)
        inside.addLayout(row(self.title, 1, self.state))
        for widget in (self.facts, self.sentence, self.bar, self.stage):
            inside.addWidget(widget)
        inside.addSpacing(GRID // 2)
        inside.addLayout(row(self.use_button, self.leave_button, self.stop_button, 1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.processor)
        self.problem, self.notice = ProblemBar(), NoticeBar()
        layout.addWidget(card)
        layout.addWidget(self.problem)
        layout.addWidget(self.notice)
        for link in (self.folder_button, self.prepare_button, self.remove_button):
            layout.addLayout(row(link, 1))
        self._show()
        self.look()

    @property
    def busy(self) -> bool:
        """Whether something is looked for, made or deleted."""
        return self._tasks.busy

    def look(self) -> None:
        """Look for devices in the background and show what is found."""
        self._tasks.start(
            lambda _progress: list_devices(), on_done=self._on_found, on_failed=self._on_failed
        )

    def shut_down(self) -> None:
        """End what runs; what was downloaded stays for the next time."""
        self._tasks.shut_down()

    # Doing

    @Slot()
    def _on_use(self) -> None:
        status = self.status
        if status is None:
            return
        if status.environment is not None and not status.is_on and status.problem is None:
            switch_on(status.environment)
            self._renew()
        else:
            self._install(None)

    @Slot()
    def _on_leave(self) -> None:
        switch_off()
        self._renew()

    @Slot()
    def _on_stop(self) -> None:
        self._tasks.cancel_all()
        self.stop_button.setEnabled(False)
        self.stage.setText(tr("Stopping …"))
        # A cancelled task tells nothing: what is to be shown then is looked for after it.
        self.look()

    @Slot()
    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Prepared folder"))
        if folder:
            self._install(Path(folder))

    @Slot()
    def _on_prepare(self) -> None:
        dialog = PrepareDialog(None if self.status is None else self.status.build, self)
        dialog.folder_wanted.connect(self._prepare)
        dialog.open()

    @Slot()
    def _on_remove(self) -> None:
        if dialogs.ask(
            self,
            tr("Delete the GPU environment?"),
            details=tr("Jobs compute on the processor then. Projects and models stay."),
            yes=tr("Delete"),
            no=tr("Keep it"),
            dangerous=True,
        ):
            self._run(lambda _reporter: remove_environments(), on_done=lambda _freed: self._renew())

    def _install(self, source: Path | None) -> None:
        self._run(
            lambda reporter: install_environment(source=source, reporter=reporter),
            on_done=lambda _made: self._renew(),
        )

    @Slot(object)
    def _prepare(self, wanted: WantedFolder) -> None:
        def tell(_prepared: object) -> None:
            self.look()
            self.notice.tell(
                tr(
                    "The folder is ready: {folder}. Carry it to the other computer and take it "
                    "there under Settings.",
                    folder=wanted.folder,
                )
            )

        self._run(
            lambda reporter: prepare_folder(
                wanted.folder, build=wanted.build, system=wanted.system, reporter=reporter
            ),
            on_done=tell,
        )

    def _run(
        self, work: Callable[[Reporter], object], *, on_done: Callable[[object], None]
    ) -> None:
        self._tasks.start(
            lambda progress: work(_TaskReporter(progress)),
            on_done=on_done,
            on_failed=self._on_failed,
            on_progress=self._on_progress,
        )
        self.problem.clear()
        self.notice.clear()
        self.bar.setRange(0, 0)
        self.stage.setText("")
        self.stop_button.setEnabled(True)
        self._show(working=True)

    def _on_failed(self, error: Exception) -> None:
        self.problem.show_problem(plain_problem(error))
        self.look()

    def _on_progress(self, fraction: float, text: Message | None) -> None:
        if fraction < 0:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _BAR_STEPS)
            self.bar.setValue(round(fraction * _BAR_STEPS))
        self.stage.setText("" if text is None else translated(text))

    def _renew(self) -> None:
        self.look()
        self.changed.emit()

    # Showing

    def _on_found(self, devices: tuple[DeviceInfo, ...]) -> None:
        self.status = gpu_status(devices)
        self.processor.setText(
            tr("Processor: {facts}", facts=device_facts(devices[0])) if devices else ""
        )
        self._show()

    def _show(self, *, working: bool = False) -> None:
        status = self.status
        for widget in (self.bar, self.stage, self.stop_button):
            widget.setVisible(working)
        if status is None:
            choices = (self.use_button, self.leave_button, self.folder_button)
            for choice in (*choices, self.prepare_button, self.remove_button):
                choice.hide()
            return
        possible = status.build is not None and not working
        self.use_button.setVisible(possible and not status.is_used)
        self.folder_button.setVisible(possible)
        self.leave_button.setVisible(status.is_on and not working)
        self.prepare_button.setVisible(not working)
        there = status.environment is not None or status.is_begun
        self.remove_button.setVisible(there and not working)
        gpu = status.gpu
        self.title.setText(tr("No NVIDIA GPU") if gpu is None else gpu.name)
        self.facts.setVisible(gpu is not None)
        self.facts.setText("" if gpu is None else _facts(gpu))
        text, role = _state(status)
        self.state.setText(text)
        set_role(self.state, role)
        self.sentence.setText(_sentence(status))
        self.use_button.setText(_offer(status))


class _TaskReporter(Reporter):
    """Turns what the work tells into what the bar shows."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def check(self) -> None:
        self._progress.check()

    def progress(self, step: int, steps: int, *, stage: str = "", **_told: Any) -> None:
        counted = stage in ("download", "check")
        self._progress.report(step / steps if counted else -1.0, _stage(stage, step, steps))


def _stage(stage: str, step: int, steps: int) -> Message:
    done, total = step >> 10, max(1, steps >> 10)
    match stage:
        case "find":
            return message("Looking for the packages …")
        case "download":
            return message("Downloading: {done} of {total} MB", done=done, total=total)
        case "check":
            return message("Checking the prepared files …")
        case "unpack":
            return message("Unpacking: this takes some minutes …")
        case _:
            return message("One training step on the GPU …")


def _state(status: GpuStatus) -> tuple[str, str]:
    """Return a word for the corner, and its role."""
    if status.is_used:
        return tr("in use"), "success"
    if status.is_on:
        return tr("cannot be used"), "warning"
    return (tr("not in use"), "muted") if status.gpu is not None else ("", "")


def _sentence(status: GpuStatus) -> str:
    if status.problem is not None and status.is_on:
        stay = tr("Until it is put right, jobs compute on the processor.")
        return f"{translated(status.problem)} {stay}"
    if status.gpu is None:
        return tr(
            "Jobs compute on the processor. If there is a card in this computer, install NVIDIA's "
            "driver for it and start the program again."
        )
    if status.reason is not None:
        stay = tr("Jobs compute on the processor.")
        return f"{translated(status.reason)} {stay}"
    if status.is_used and status.environment is not None:
        return tr(
            "Jobs compute on it, with Paddle {version} for CUDA {cuda}.",
            version=status.environment.record.engine,
            cuda=_cuda(status.environment.record.build),
        )
    if status.environment is not None and status.problem is None:
        return tr("All is ready. Jobs compute on the processor until you choose the GPU.")
    return tr(
        "Paddle {version} for CUDA {cuda} fits it. It comes from Paddle's package index, several "
        "gigabytes, into {folder}, and is used once it has trained a step on the card. The program "
        "itself stays as it is.",
        version=ENGINE_VERSION,
        cuda=_cuda(status.build or ""),
        folder=environments_folder(),
    )


def _offer(status: GpuStatus) -> str:
    if status.is_on:
        return tr("Make it anew")
    if status.environment is None and status.is_begun:
        return tr("Go on with the download")
    return tr("Use the GPU")


def _facts(gpu: DeviceInfo) -> str:
    capability = ".".join(str(part) for part in gpu.compute_capability or ())
    facts = [
        QLocale().formattedDataSize(gpu.memory_bytes, 0) if gpu.memory_bytes else "",
        tr("driver {driver}", driver=gpu.driver),
        tr("runs CUDA up to {cuda}", cuda=gpu.cuda),
        tr("compute capability {capability}", capability=capability),
    ]
    return " · ".join(fact for fact in facts if fact)


def _cuda(build: str) -> str:
    known = BUILDS.get(build)
    return "?" if known is None else f"{build[2:4]}.{build[4:]}"
