"""What the user prefers, kept as JSON: only what differs from the defaults is written."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.system.files import write_json_atomic
from core.system.folders import user_settings_folder

APP_NAME = "maskwright"
MAX_RECENT = 8
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
    window_size: tuple[int, int] = (1280, 800)
    window_maximized: bool = False
    inspector_width: int = Field(320, ge=240, le=640)
    mask_opacity: float = Field(0.5, ge=0, le=1)
    thumbnail_size: int = Field(160, ge=64, le=512)
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

    Attributes:
        settings: the values in use.
        warning: English sentence when the file could not be used, else "".
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else config_dir() / "settings.json"
        self.warning = ""
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
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Settings()
        except (OSError, UnicodeDecodeError):
            return self._set_aside()
        try:
            return Settings.model_validate(json.loads(text))
        except (json.JSONDecodeError, ValidationError, RecursionError):
            return self._set_aside()

    def _set_aside(self) -> Settings:
        """Keep a file that cannot be read under another name, and start from the defaults."""
        kept = self.path.with_suffix(".broken.json")
        try:
            self.path.replace(kept)
            self.warning = str(kept)
        except OSError:
            self.warning = str(self.path)
        _log.warning("settings %s could not be read; defaults are used", self.path)
        return Settings()
