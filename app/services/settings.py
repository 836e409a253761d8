"""What the user prefers, kept as JSON: only what differs from the defaults is written."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.system.errors import InputError
from core.system.files import write_bytes_atomic, write_json_atomic
from core.system.folders import user_settings_folder

APP_NAME = "maskwright"
MAX_RECENT = 8
#: Of the settings file. A change that this program could not read gets the next number, is written
#: as ``format``, and comes with a step that reads the earlier one and keeps a copy of it.
FORMAT = 1
_log = logging.getLogger(__name__)

Language = Literal["auto", "en", "zh_CN"]
ThemeMode = Literal["auto", "light", "dark"]


def config_dir() -> Path:
    """Folder of ``settings.json``."""
    return user_settings_folder()


def log_dir() -> Path:
    """Folder of the program's own log file."""
    return platformdirs.user_log_path(APP_NAME, appauthor=False)


class Settings(BaseModel):
    """All preferences with their defaults; assignments are validated."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    language: Language = "auto"
    theme: ThemeMode = "auto"
    recent_projects: list[Path] = Field(default_factory=list)
    projects_dir: Path | None = None
    images_dir: Path | None = None
    window_size: tuple[int, int] = (1280, 800)
    window_maximized: bool = False
    inspector_width: int = Field(320, ge=240, le=640)
    mask_opacity: float = Field(0.5, ge=0, le=1)
    thumbnail_size: int = Field(160, ge=64, le=512)
    look_for_updates: bool = Field(True, description="asked once a day, where there is an address")
    updates_looked: float = Field(0.0, description="when it was asked, in seconds since 1970")
    update_dismissed: str = Field("", description="version that the notice is hidden for")
    seen_version: str = Field("", description="version whose changes were shown, or need not be")
    panel_values: dict[str, Any] = Field(
        default_factory=dict, description="what panels remember, under '<panel key>/<name>'"
    )

    def add_recent(self, folder: Path) -> None:
        """Put ``folder`` first among the recent projects."""
        others = [item for item in self.recent_projects if item != folder]
        self.recent_projects = [folder, *others][:MAX_RECENT]

    def remove_recent(self, folder: Path) -> None:
        """Forget ``folder``; the project itself stays."""
        self.recent_projects = [item for item in self.recent_projects if item != folder]


class SettingsStore:
    """Reads and writes ``Settings``.

    The file may name its ``format``; one of a later program is kept beside the new one.

    Attributes:
        settings: the values in use.
        problem: why the file, or a part of it, could not be used.
        is_new: whether there was no file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else config_dir() / "settings.json"
        self.problem: InputError | None = None
        self.is_new = False
        self.settings = self._load()

    def save(self) -> None:
        """Write what differs from the defaults; a full disk costs a log line, not the session."""
        data = self.settings.model_dump(mode="json", exclude_defaults=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json_atomic(self.path, data)
        except OSError:
            _log.exception("settings could not be written to %s", self.path)

    def _load(self) -> Settings:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.is_new = True
            return Settings()
        except (OSError, ValueError, RecursionError):
            return self._set_aside()
        written_by = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
        if isinstance(written_by, int) and written_by > FORMAT:
            return self._of_a_later_program(data, written_by)
        try:
            return Settings.model_validate(data)
        except ValidationError:
            return self._set_aside()

    def _of_a_later_program(self, data: dict[str, Any], written_by: int) -> Settings:
        """Keep the file for that program, and take what this one understands of it."""
        kept = self.path.with_suffix(f".format-{written_by}.json")
        try:
            write_bytes_atomic(kept, self.path.read_bytes())
        except OSError:
            _log.exception("settings of a later program could not be kept as %s", kept)
        self.problem = InputError(
            "The settings are those of a later version of the program. They are kept as {file}, and"
            " what this version knows of them is in use.",
            file=kept,
        )
        settings = Settings()
        for name in Settings.model_fields.keys() & data.keys():
            with contextlib.suppress(ValidationError):
                setattr(settings, name, data[name])
        return settings

    def _set_aside(self) -> Settings:
        """Keep a file that cannot be read under another name, and start from the defaults."""
        kept = self.path.with_suffix(".broken.json")
        try:
            self.path.replace(kept)
        except OSError:
            kept = self.path
        self.problem = InputError(
            "The settings could not be read, so the defaults are in use; the old file is "
            "kept as {file}.",
            file=kept,
        )
        _log.warning("settings %s could not be read; defaults are used", self.path)
        return Settings()
