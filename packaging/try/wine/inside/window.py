"""Drive the installed program's real window: import, label a stroke, train, close.

    python.exe window.py FOLDER [--epochs 2] [--import-only] [--offscreen]

FOLDER gets the data and the project, and ``result.json`` at the end. A file ``NAME.ask`` in
``FOLDER/pictures`` asks whoever watches the screen for a picture and waits until it is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("MASKWRIGHT_INSTALLATION", str(Path(sys.prefix).parent))

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.panels.label.labelling_panel import LabellingPanel
from app.services.settings import SettingsStore
from app.services.targets import ShowTraining
from app.shell.application import Application
from core.demo import DemoSettings, make_dataset
from core.demo.recipe import training_fields
from core.runs.run_folder import FINAL_STATES, RunFolder

IMAGES = 16
PATIENCE_S = 600.0
PICTURE_S = 20.0


class Visitor:
    """Uses the window and writes down what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures = folder / "pictures"
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()
        self.qt = QApplication([sys.argv[0]])
        self.qt.setApplicationName("maskwright")
        self.application = Application(self.qt, SettingsStore())
        self.result: dict[str, object] = {"platform": self.qt.platformName()}
        self.application.show()
        self.wait(1.0)
        self.result["seconds to the window"] = round(time.monotonic() - self.began, 1)

    def wait(self, seconds: float) -> None:
        """Let the window live."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.qt.processEvents()
            time.sleep(0.01)

    def wait_until(self, what: str, done: Callable[[], object]) -> None:
        """Let the window live until ``done``; raises ``TimeoutError``."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(what)
            self.wait(0.05)

    def take(self, name: str) -> None:
        """Ask for a picture of the screen; nobody need be there to take it."""
        self.wait(1.0)
        asked = self.pictures / f"{name}.ask"
        asked.touch()
        end = time.monotonic() + PICTURE_S
        while asked.exists() and time.monotonic() < end:
            self.wait(0.1)
        asked.unlink(missing_ok=True)

    def import_data(self) -> None:
        """Make a data folder and import it through the dialog."""
        data = self.folder / "数据 data"
        make_dataset(data, DemoSettings(images=IMAGES, seed=3))
        context = self.application.context
        context.create_project(self.folder / "项目 project", "表面 surface")
        self.wait(0.5)
        dialog = self.application.window.project_actions.show_import(data)
        self.wait_until("the import is read", dialog.import_button.isEnabled)
        self.take("import")
        dialog.import_button.click()
        project = context.project
        assert project is not None
        self.wait_until("all images are in the project", lambda: len(project.image_ids()) == IMAGES)
        self.result["images"] = len(project.image_ids())
        self.take("data")

    def label(self) -> None:
        """Paint a stroke with the brush; it must be in the project afterwards."""
        context = self.application.context
        area = self.application.window.work_area
        area.show_panel("labelling")
        panel = area.panels["labelling"]
        assert isinstance(panel, LabellingPanel)
        self.wait_until("an image is open", lambda: panel.editor.document is not None)
        project, document = context.project, panel.editor.document
        assert project is not None and document is not None
        self.wait_until("it is settled", lambda: not panel.busy and not panel.session.pending)
        assert panel.session.row is not None
        image_id = panel.session.row.id
        before = project.label_map(image_id)
        panel.workspace.actions["tool.brush"].trigger()
        panel.classes.choose(1)
        width, height = document.size
        points = [(width * part, height * part) for part in (0.2, 0.35, 0.5)]
        mouse(panel, QEvent.Type.MouseButtonPress, *points[0])
        for point in points:
            mouse(panel, QEvent.Type.MouseMove, *point)
        self.take("label")
        mouse(panel, QEvent.Type.MouseButtonRelease, *points[-1])

        def painted() -> int:
            after = project.label_map(image_id)
            if after is None:
                return 0
            earlier = np.zeros_like(after) if before is None else before
            return int(np.count_nonzero(after != earlier))

        self.wait_until("the stroke is saved", painted)
        self.result["pixels painted"] = painted()

    def train(self, epochs: int) -> None:
        """Train and keep where the model lies."""
        context = self.application.context
        assert context.project is not None
        images = context.project.statistics().train_images
        fields = training_fields(train_images=images, epochs=epochs, seed=1)
        context.start_run(fields)
        context.navigate(ShowTraining())
        self.wait_until("the run is there", lambda: context.runs("train"))
        run = RunFolder(context.runs("train")[0].folder)
        self.wait_until("it trains", lambda: run.progress is not None or run.state in FINAL_STATES)
        self.take("training")
        self.wait_until("it ends", lambda: run.state in FINAL_STATES)
        self.wait_until("the worker is gone", lambda: not context.jobs_running())
        self.take("trained")
        self.result["run"] = {
            "state": run.state,
            "folder": str(run.path),
            "best_model": None if run.best_model is None else str(run.best_model),
            "result": run.result,
            "log": run.log_path.read_text(encoding="utf-8", errors="replace")[-3000:],
        }

    def close(self) -> None:
        """Close the window and write what came of it."""
        self.application.shut_down()
        self.wait(0.2)
        text = json.dumps(self.result, indent=1, ensure_ascii=False, default=str)
        (self.folder / "result.json").write_text(text, encoding="utf-8")


def mouse(panel: LabellingPanel, kind: QEvent.Type, x: float, y: float) -> None:
    """Send one event of the left button to the canvas, at a place of the image."""
    canvas = panel.view.canvas
    place = QPointF(canvas.to_widget(x, y).toPoint())
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    event = QMouseEvent(
        kind, place, canvas.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(canvas, event)


def main() -> int:
    """Run the script; 0 when everything came to its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--import-only", action="store_true")
    parser.add_argument("--offscreen", action="store_true")
    options = parser.parse_args()
    if options.offscreen:  # wine keeps QT_… from what it starts
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    visitor = Visitor(options.folder)
    visitor.take("home")
    try:
        visitor.import_data()
        if not options.import_only:
            visitor.label()
            visitor.train(options.epochs)
        visitor.result["done"] = True
    except Exception as error:
        import traceback

        visitor.result["failed"] = "".join(traceback.format_exception(error))
        visitor.take("failed")
    finally:
        with contextlib.suppress(Exception):
            visitor.application.window.grab().save(str(visitor.pictures / "window.png"))
        visitor.close()
    return 0 if visitor.result.get("done") else 1


if __name__ == "__main__":
    sys.exit(main())
