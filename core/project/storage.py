"""What every part of an open project works with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.project.audit_trail import AuditTrail
from core.project.database import Database
from core.project.mask_store import MaskStore
from core.project.paths import PathResolver


@dataclass(frozen=True, slots=True)
class Storage:
    """The folder of a project, its database, its masks, and where its images are."""

    folder: Path
    database: Database
    masks: MaskStore
    resolver: PathResolver
    trail: AuditTrail


class ProjectPart:
    """What the parts of ``Project`` share."""

    _storage: Storage

    @property
    def trail(self) -> AuditTrail:
        """Who changed what, and when."""
        return self._storage.trail

    @property
    def _database(self) -> Database:
        return self._storage.database

    @property
    def folder(self) -> Path:
        """Absolute path of the project's folder."""
        return self._storage.folder
