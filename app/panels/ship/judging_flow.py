"""What decides about images: read from the project, changed in the window, kept at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr
from app.panels.ship.judging_choices import JudgingChoices
from app.panels.ship.judging_page import JudgingPage
from core.portable.portable_error import PortableError
from core.portable.settings import Settings
from core.prediction.inspection import background_class
from core.project import ImageQuery, Project
from core.project.judging_file import read_judging, usable_settings, write_judging
from core.project.variants import ModelVariant

_MOST_SAMPLES: Final = 200


class JudgingFlow(QObject):
    """Rules, limits and regions of the project, as far as they fit the model chosen.

    Args:
        project: returns the project that is open, None for none.
        page: rules, and the canvas on which regions are drawn.
        choices: everything else that decides.
        model: returns the model chosen.
        tried: returns the images that the model was tried on, with the one chosen among them.
        parent: owns it.

    Attributes:
        settings: what decides now.
        thresholds: whether classes are chosen by the model's own thresholds.
    """

    used = Signal(object)
    """(Settings): images are judged by these from now on."""
    kept = Signal()
    """The user changed something, and the project has it."""
    thresholds_changed = Signal(bool)
    """Classes are chosen in another way: what was predicted is out of date."""

    def __init__(
        self,
        project: Callable[[], Project | None],
        page: JudgingPage,
        choices: JudgingChoices,
        *,
        model: Callable[[], ModelVariant | None],
        tried: Callable[[], tuple[list[Path], Path | None]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._project, self._page, self._choices = project, page, choices
        self._model, self._tried = model, tried
        self.settings = Settings()
        self.thresholds = False
        page.rules.changed.connect(self._on_changed)
        page.regions.changed.connect(self._on_changed)
        choices.changed.connect(self._on_changed)
        choices.area.draw_requested.connect(self._on_draw)

    @property
    def background(self) -> int | None:
        """Class id of which no objects are made."""
        model = self._model()
        return None if model is None else background_class(model.labels)

    def load(self) -> None:
        """Show what the project has of it, as far as it fits the model."""
        model, project = self._model(), self._project()
        if model is None or project is None:
            return
        content = read_judging(project.folder)
        values = {name: one for name, one in content.items() if name != "use_thresholds"}
        settings = usable_settings(values, labels=model.labels, background=self.background)
        names = [name for i, name in enumerate(model.labels) if i != self.background]
        self._choices.show_values(
            {**settings.to_dict(), "use_thresholds": content.get("use_thresholds", False)},
            names,
            has_thresholds=model.has_thresholds,
            specks=model.specks,
        )
        self.thresholds = self._choices.thresholds_box.isChecked()
        self._page.rules.show_rules(
            settings.rules,
            model.labels,
            self.background,
            has_pixel_size=settings.pixel_size_mm is not None,
        )
        self._page.regions.load(settings.area)
        self._use(settings)

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self.used.emit(settings)

    @Slot()
    def _on_changed(self) -> None:
        """Judge by what the boxes say now, and keep it."""
        model, project = self._model(), self._project()
        rules, values = self._page.rules, self._choices.values
        rules.set_pixel_size_known(values["pixel_size_mm"] is not None)
        made = rules.rules
        if model is None or project is None or made is None:
            return
        use_thresholds = values.pop("use_thresholds")
        area = self._page.regions.area
        content: dict[str, Any] = {
            **values,
            "rules": [str(rule) for rule in made],
            "regions": [[list(point) for point in one] for one in area.regions],
            "dont_care": [[list(point) for point in one] for one in area.dont_care],
        }
        try:
            settings = Settings.from_dict(content, labels=model.labels, background=self.background)
        except PortableError as error:
            rules.show_problem(tr(error.template, **error.params))
            return
        rules.show_problem("")
        self._use(settings)
        before, self.thresholds = self.thresholds, use_thresholds
        if not project.read_only:
            write_judging(project.folder, {**content, "use_thresholds": use_thresholds})
            self.kept.emit()
        if before != use_thresholds:
            self.thresholds_changed.emit(use_thresholds)

    @Slot()
    def _on_draw(self) -> None:
        """Draw regions on the image that is looked at, or on the first there is."""
        project = self._project()
        images, current = self._tried()
        if not images and project is not None:
            rows = project.images(ImageQuery(), limit=_MOST_SAMPLES)
            images = [row.path for row in rows]
        self._page.draw_on(images, current)
