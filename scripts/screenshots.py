"""Drive the real window offscreen on a small demo project and write a picture of every panel.

    python scripts/screenshots.py OUT [--epochs 4] [--images 60] [--work DIR]

Training, evaluation and compression really run, in worker processes; ``--epochs 0`` leaves them
out. With ``--work`` the demo's folder is kept and used again. ``--docs`` also writes the pictures
of the documentation and of the tutorial, small, as ``docs/images/*.png``, those of the Chinese one
as ``docs/images/zh/*.png``; pictures that were not taken stay as they are.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from app.panels.compress.compression_page import View
from app.panels.compress.compression_panel import CompressionPanel
from app.panels.ship.shipping_panel import ShippingPanel
from app.panels.ship.stage_bar import Stage
from app.services.settings import SettingsStore
from app.services.targets import ShipModel, ShowCompression, ShowDataset, ShowTraining
from app.shell.application import Application
from core.demo import Workspace, open_workspace
from core.runs.events import Progress
from core.runs.run_folder import FINAL_STATES
from core.system.errors import UnreadableFilesError, named

SIZE = (1440, 900)
LOOKS = (("light", "en"), ("dark", "en"), ("light", "zh_CN"))
TIMEOUT_S = 1200.0
PICTURE_AFTER_S = 12.0
NOTHING = Progress(0, 1, None)
DOCS_DIR = Path(__file__).resolve().parent.parent / "docs" / "images"
FOR_DOCS = {
    "data": "light_en_dataset",
    "label": "light_en_labelling",
    "train": "light_en_model",
    "monitor": "training",
    "inspect": "light_en_inspection",
    "compress": "light_en_compression",
    "ship": "light_en_shipping_rules",
    "start": "home",
    "tour": "tour_2",
    "problem": "light_en_problem",
    "zh/start": "home_zh_CN",
    "zh/data": "light_zh_CN_dataset",
    "zh/label": "light_zh_CN_labelling",
    "zh/train": "light_zh_CN_model",
    "zh/monitor": "light_zh_CN_monitor",
    "zh/inspect": "light_zh_CN_inspection",
    "zh/ship": "light_zh_CN_shipping_rules",
}


class Camera:
    """Takes pictures of the window once it has settled."""

    def __init__(self, qt: QApplication, out: Path) -> None:
        self._qt = qt
        self._out = out
        self.prefix = ""
        out.mkdir(parents=True, exist_ok=True)

    def wait(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._qt.processEvents()
            time.sleep(0.01)

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Let the window live until ``done``; raises ``TimeoutError``."""
        end = time.monotonic() + TIMEOUT_S
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the window did not get there")
            self.wait(0.05)

    def take(self, widget: QWidget, name: str) -> None:
        """Write one picture."""
        self.wait(1.5)
        path = self._out / f"{self.prefix}{name}.png"
        widget.grab().save(str(path))
        print(path)


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary) / "demo").absolute()
        fresh = not (work / "demo.json").exists()
        workspace = open_workspace(
            work, images=options.images if fresh else None, epochs=None, seed=None
        )
        workspace.make_data()
        workspace.make_project()
        show_everything(options.out, workspace, Path(temporary), epochs=options.epochs)
    if options.docs:
        for name, picture in FOR_DOCS.items():
            if (source := options.out / f"{picture}.png").exists():
                write_small(source, DOCS_DIR / f"{name}.png")
    return 0


def write_small(source: Path, target: Path) -> None:
    """Write a picture with a palette of 256 colours, a third of the size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture:
        small = picture.convert("RGB").quantize(
            256, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
        )  # keeps the few strong colours among the many greys
        small.save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1024:.0f} KB")


def show_everything(out: Path, workspace: Workspace, folder: Path, *, epochs: int) -> None:
    """Train if asked for, then take every panel in every look."""
    store = SettingsStore(folder / "settings.json")
    store.settings.language = "en"
    store.settings.theme = "light"
    store.settings.window_size = SIZE
    store.settings.projects_dir = Path.home()
    qt = QApplication(["screenshots"])
    application = Application(qt, store)
    application.show()
    application.window.resize(*SIZE)  # larger than the screen that there is without one
    camera = Camera(qt, out)
    try:
        take_dialogs(application, camera, workspace)
        fields = workspace.training_fields() | {"epochs": epochs}
        application.open_project(workspace.project_dir)
        camera.wait(1.0)
        if epochs and not application.context.runs("train"):
            train_and_measure(application, camera, fields)
            compress(application, camera)
            ship(application, camera, workspace)
        for theme, language in LOOKS:
            application.set_theme(theme)
            application.set_language(language)
            camera.wait(1.0)
            camera.prefix = f"{theme}_{language}_"
            take_panels(application, camera)
            take_problem(application, camera)
    finally:
        application.shut_down()


def take_dialogs(application: Application, camera: Camera, workspace: Workspace) -> None:
    """The start page, the tour, and the two dialogs that lead into a project."""
    application.window.start_page.notice.clear()  # the tour has pictures of its own
    camera.take(application.window, "home")
    application.set_language("zh_CN")
    camera.wait(1.0)  # the window is built anew
    application.window.start_page.notice.clear()
    camera.take(application.window, "home_zh_CN")
    application.set_language("en")
    camera.wait(1.0)
    take_tour(application, camera)
    dialog = application.window.projects.show_new_project()
    dialog.name_edit.setText("Surface inspection")
    camera.take(dialog, "new_project")
    dialog.reject()
    with tempfile.TemporaryDirectory() as folder:
        application.context.create_project(Path(folder) / "p", "Surface inspection")
        camera.take(application.window, "empty")
        importing = application.window.project_actions.show_import(workspace.data_dir)
        camera.wait_until(importing.import_button.isEnabled)
        camera.take(importing, "import")
        importing.reject()
        camera.wait(0.5)
        application.context.close_project()


def take_tour(application: Application, camera: Camera) -> None:
    """Every mark of the tour."""
    window = application.window
    window.help.start_tour()
    number = 0
    while window.help.tour.isVisible():
        number += 1
        camera.take(window, f"tour_{number}")
        window.help.tour.go_on()


def take_problem(application: Application, camera: Camera) -> None:
    """What is said where images cannot be read."""
    window, project = application.window, application.context.project
    assert project is not None
    files = [row.path for row in project.images(limit=3)]
    window.work_area.show_panel("model")
    camera.wait_until(lambda: not window.work_area.panels["model"].busy)
    window.show_error(
        UnreadableFilesError(
            "Files cannot be read ({count}): {names}. Replace them, or leave them out.",
            count=len(files),
            names=named(files),
            files=files,
        )
    )
    camera.take(window, "problem")
    window.work_area.problems("model").clear()


def train_and_measure(application: Application, camera: Camera, fields: dict[str, object]) -> None:
    """Train with a picture half way; the evaluation follows by itself."""
    context = application.context
    started: list[str] = []
    context.run_started.connect(started.append)
    context.start_run(fields)
    context.navigate(ShowTraining())
    camera.wait_until(lambda: bool(started))
    run = context.run_folder(started[0])
    assert run is not None
    camera.wait_until(
        lambda: (run.progress or NOTHING).step >= 0.6 * (run.progress or NOTHING).steps
    )
    camera.take(application.window, "training")
    camera.wait_until(lambda: run.state in FINAL_STATES)
    camera.wait_until(lambda: bool(context.runs("evaluate")) and not context.jobs_running())


def compress(application: Application, camera: Camera) -> None:
    """Analyse the trained model, prune, quantise and measure it, and predict with both."""
    context = application.context
    context.navigate(ShowCompression())
    panel = application.window.work_area.panels["compression"]
    assert isinstance(panel, CompressionPanel)
    page, choices = panel.page, panel.choices
    started: list[str] = []
    context.run_started.connect(started.append)

    def press(button: QAbstractButton, picture: str = "", *, jobs: int = 1) -> None:
        """Start jobs, and wait for their end; ``picture`` is taken while they work."""
        camera.wait_until(button.isEnabled)
        wanted = len(started) + jobs
        button.click()
        camera.wait_until(lambda: len(started) >= wanted)
        if picture:
            camera.wait(PICTURE_AFTER_S)
            camera.take(application.window, picture)
        camera.wait_until(lambda: not (context.jobs_running() or context.tasks.busy or panel.busy))

    page.show_view(View.SENSITIVITY)
    press(page.sensitivity.empty.button, "analysing")
    camera.take(application.window, "sensitivity")
    choices.prune.epochs.setValue(2)
    press(choices.prune.button)
    press(choices.quantize.button)
    float_model, pruned = page.variants.table.rows.items[:2]
    page.variants.table.select(pruned.folder)
    camera.wait_until(lambda: not panel.busy)
    press(choices.quantize.button)
    page.variants.table.select(float_model.folder)
    page.compare.choose(float_model.folder, pruned.folder)
    page.show_view(View.COMPARE)
    press(page.compare.empty.button, jobs=len(page.compare.missing))
    page.compare.views.button(1).click()
    camera.wait_until(lambda: not panel.busy)
    camera.take(application.window, "compare")
    page.show_view(View.VARIANTS)


def ship(application: Application, camera: Camera, workspace: Workspace) -> None:
    """Try the model, verify its export, and make rules."""
    context = application.context
    context.navigate(ShipModel())
    panel = application.window.work_area.panels["shipping"]
    assert isinstance(panel, ShippingPanel)

    def settle() -> None:
        camera.wait(1.0)
        camera.wait_until(lambda: not context.jobs_running() and not panel.busy)

    settle()
    panel.starter.try_paths([workspace.new_images_dir])
    settle()
    panel.starter.try_validation()
    settle()
    panel.page.verification.empty.button.click()
    settle()
    settle()  # the verification follows the export
    panel.judging_choices.pixel_box.setValue(0.05)
    panel.page.judging.rules.add_button.click()
    settle()


def take_panels(application: Application, camera: Camera) -> None:
    """Every panel, and the large view of one image."""
    window = application.window
    for key in window.work_area.panels:
        window.work_area.show_panel(key)
        camera.wait_until(lambda panel=window.work_area.panels[key]: not panel.busy)
        camera.take(window, key)
    shipping = window.work_area.panels["shipping"]
    assert isinstance(shipping, ShippingPanel)
    for stage in Stage:
        window.work_area.show_panel("shipping")
        shipping.page.show_stage(stage)
        camera.wait_until(lambda: not shipping.busy)
        camera.take(window, f"shipping_{stage.name.lower()}")
    project = application.context.project
    assert project is not None
    application.context.navigate(ShowDataset(project.images(limit=4)[-1].path))
    camera.take(window, "image")


if __name__ == "__main__":
    sys.exit(main())
