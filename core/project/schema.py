"""The tables of ``project.db`` and the steps from one version of them to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from core.system.errors import InputError

APPLICATION_ID = 0x4D534B57
"""SQLite's ``application_id`` of a project: tells it from any other database."""

_V1 = """
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Masks store class ids, so an id never changes and position alone orders the list.
CREATE TABLE class (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 254),
    position INTEGER NOT NULL,
    name TEXT NOT NULL UNIQUE,
    red INTEGER NOT NULL, green INTEGER NOT NULL, blue INTEGER NOT NULL
);

CREATE TABLE mask (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE mask_class (
    mask_id INTEGER NOT NULL REFERENCES mask(id) ON DELETE CASCADE,
    class_id INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 255),
    pixels INTEGER NOT NULL,
    PRIMARY KEY (mask_id, class_id)
) WITHOUT ROWID;
CREATE INDEX mask_class_by_class ON mask_class (class_id, mask_id);

-- path: relative to the project ('/') when inside it, else absolute; relative: the second try
-- for an image outside a project that has moved; source: where a copied image came from.
CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    inside INTEGER NOT NULL CHECK (inside IN (0, 1)),
    relative TEXT,
    source TEXT,
    name TEXT NOT NULL,
    sort_key TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    subset TEXT NOT NULL DEFAULT 'none' CHECK (subset IN ('train', 'val', 'test', 'none')),
    state TEXT NOT NULL DEFAULT 'unlabelled'
        CHECK (state IN ('unlabelled', 'draft', 'labelled', 'reviewed')),
    mask_id INTEGER REFERENCES mask(id),
    score REAL,
    group_key TEXT,
    content_hash TEXT,
    comment TEXT NOT NULL DEFAULT '',
    flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1))
);
CREATE INDEX image_by_name ON image (sort_key, id);
CREATE INDEX image_by_subset_name ON image (subset, sort_key, id);
CREATE INDEX image_by_state_name ON image (state, sort_key, id);
CREATE INDEX image_by_subset_state ON image (subset, state);
CREATE INDEX image_by_score ON image (score, sort_key, id);
CREATE INDEX image_by_mask ON image (mask_id);
CREATE INDEX image_by_source ON image (source);

CREATE TABLE mask_history (
    id INTEGER PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,
    mask_id INTEGER NOT NULL REFERENCES mask(id),
    replaced REAL NOT NULL
);
CREATE INDEX mask_history_by_image ON mask_history (image_id, id);
CREATE INDEX mask_history_by_mask ON mask_history (mask_id);

CREATE TABLE import_batch (id INTEGER PRIMARY KEY, created REAL NOT NULL, source TEXT NOT NULL);
CREATE TABLE import_image (
    batch_id INTEGER NOT NULL REFERENCES import_batch(id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,
    added INTEGER NOT NULL,
    mask_id INTEGER REFERENCES mask(id),
    previous_mask_id INTEGER REFERENCES mask(id),
    previous_state TEXT NOT NULL,
    previous_subset TEXT NOT NULL,
    PRIMARY KEY (batch_id, image_id)
) WITHOUT ROWID;
CREATE INDEX import_image_by_image ON import_image (image_id);
CREATE INDEX import_image_by_mask ON import_image (mask_id);
CREATE INDEX import_image_by_previous ON import_image (previous_mask_id);
CREATE TABLE import_class (
    batch_id INTEGER NOT NULL REFERENCES import_batch(id) ON DELETE CASCADE,
    class_id INTEGER NOT NULL REFERENCES class(id) ON DELETE CASCADE,
    PRIMARY KEY (batch_id, class_id)
) WITHOUT ROWID;

CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    labels TEXT NOT NULL
);
CREATE TABLE revision_item (
    revision_id INTEGER NOT NULL REFERENCES revision(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    inside INTEGER NOT NULL,
    relative TEXT,
    mask_id INTEGER NOT NULL REFERENCES mask(id),
    subset TEXT NOT NULL,
    PRIMARY KEY (revision_id, position)
) WITHOUT ROWID;
CREATE INDEX revision_item_by_mask ON revision_item (mask_id);

CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folder TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    revision_id INTEGER REFERENCES revision(id),
    parent_id INTEGER REFERENCES run(id) ON DELETE SET NULL,
    state TEXT NOT NULL,
    best_miou REAL,
    created REAL NOT NULL
);
CREATE INDEX run_by_kind ON run (kind, id);
CREATE INDEX run_by_parent ON run (parent_id);
CREATE INDEX run_by_revision ON run (revision_id);
"""

_V2 = """
-- The shapes that can be edited above a mask; they count while the image has that mask.
CREATE TABLE image_shapes (
    image_id INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,
    mask_id INTEGER NOT NULL REFERENCES mask(id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    PRIMARY KEY (image_id, mask_id)
);
CREATE INDEX image_shapes_by_mask ON image_shapes (mask_id);
"""


_V3 = """
-- Ids of deleted classes, which earlier masks still have, and the class that got the pixels (255:
-- nobody). Masks of images that are in the list never have them.
CREATE TABLE deleted_class (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 254),
    replacement INTEGER NOT NULL CHECK (replacement BETWEEN 0 AND 255)
);
"""


_V4 = """
-- look: what an image looks like, see core.images.perceptual_hash; NULL: not computed yet.
-- left_out: the user took it out of all subsets, and no division by itself puts it into one again.
ALTER TABLE image ADD COLUMN look BLOB;
ALTER TABLE image ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0 CHECK (left_out IN (0, 1));

-- number: what people count trainings by, without gaps; place: in the queue of jobs;
-- deleted: where in trash/ the folder is, until the trash is emptied.
ALTER TABLE run ADD COLUMN number INTEGER;
ALTER TABLE run ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE run ADD COLUMN place INTEGER;
ALTER TABLE run ADD COLUMN deleted TEXT;
"""


_V5 = """
-- Where labels count, as JSON: of one image; the setting counted_area is for all others.
CREATE TABLE image_area (
    image_id INTEGER PRIMARY KEY REFERENCES image(id) ON DELETE CASCADE,
    area TEXT NOT NULL
);
ALTER TABLE revision_item ADD COLUMN area TEXT;
"""


_V6 = """
-- What an image shows where its labels count, of images with regions: counted when it is first
-- asked for, forgotten as soon as mask or regions change.
CREATE TABLE image_class (
    image_id INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,
    class_id INTEGER NOT NULL CHECK (class_id BETWEEN 0 AND 255),
    pixels INTEGER NOT NULL,
    PRIMARY KEY (image_id, class_id)
) WITHOUT ROWID;
CREATE TRIGGER image_class_of_mask AFTER UPDATE OF mask_id ON image
WHEN old.mask_id IS NOT new.mask_id BEGIN
    DELETE FROM image_class WHERE image_id = new.id;
END;
CREATE TRIGGER image_class_of_area AFTER INSERT ON image_area BEGIN
    DELETE FROM image_class WHERE image_id = new.image_id;
END;
CREATE TRIGGER image_class_without_area AFTER DELETE ON image_area BEGIN
    DELETE FROM image_class WHERE image_id = old.image_id;
END;
CREATE TRIGGER image_class_of_all AFTER INSERT ON setting WHEN new.key = 'counted_area' BEGIN
    DELETE FROM image_class WHERE image_id NOT IN (SELECT image_id FROM image_area);
END;
CREATE TRIGGER image_class_without_all AFTER DELETE ON setting WHEN old.key = 'counted_area' BEGIN
    DELETE FROM image_class WHERE image_id NOT IN (SELECT image_id FROM image_area);
END;
"""


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Execute each statement; unlike ``executescript`` it stays in the open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _create_v1(connection: sqlite3.Connection) -> None:
    run_script(connection, _V1)


def _add_shapes(connection: sqlite3.Connection) -> None:
    run_script(connection, _V2)


def _keep_ids(connection: sqlite3.Connection) -> None:
    run_script(connection, _V3)


def _add_looks_and_numbers(connection: sqlite3.Connection) -> None:
    """Add what images look like and what people call runs by.

    Trainings alone are counted; runs that nobody named were called as their folders, by row id.
    """
    run_script(connection, _V4)
    rows = connection.execute("SELECT id, name, folder, kind, model FROM run ORDER BY id")
    number = 0
    for id_, name, folder, kind, model in rows.fetchall():
        is_unnamed = name == folder.rpartition("/")[2]
        if kind == "train":
            number += 1
            connection.execute("UPDATE run SET number = ? WHERE id = ?", (number, id_))
            if is_unnamed:
                name = f"#{number} {model}"
        elif is_unnamed and model:
            name = model
        connection.execute("UPDATE run SET name = ? WHERE id = ?", (name, id_))


def _add_areas(connection: sqlite3.Connection) -> None:
    run_script(connection, _V5)


def _add_counted_classes(connection: sqlite3.Connection) -> None:
    run_script(connection, _V6)


Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: tuple[Migration, ...] = (
    _create_v1,
    _add_shapes,
    _keep_ids,
    _add_looks_and_numbers,
    _add_areas,
    _add_counted_classes,
)
"""Step ``i`` takes a database of version ``i`` to ``i + 1``."""


def check(connection: sqlite3.Connection, folder: Path) -> int:
    """Return the version of the database's tables.

    Raises:
        InputError: the database is no project's, or a newer program wrote it.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID or version < 1:
        raise InputError(
            "{file} is not a project: its project.db belongs to another program.", file=folder
        )
    if version > len(MIGRATIONS):
        raise InputError(
            "The project {file} was written by a newer version of this program; update the "
            "program to open it.",
            file=folder,
        )
    return version


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] | None = None
) -> Path | None:
    """Bring the tables to the newest version in one transaction.

    An existing project is first copied to ``project.db.v<version>.bak`` beside it.

    Args:
        connection: in autocommit mode.
        path: the database file.
        migrations: ``MIGRATIONS`` by default.

    Returns:
        The backup, or None where there was nothing to do or nothing to back up.
    """
    steps = MIGRATIONS if migrations is None else migrations
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version >= len(steps):
        return None
    backup = _back_up(connection, path, version) if version else None
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for step in steps[version:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return backup


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    target = path.with_name(f"{path.name}.v{version}.bak")
    temporary = path.with_name(f"{path.name}.v{version}.tmp")
    temporary.unlink(missing_ok=True)
    with closing(sqlite3.connect(temporary)) as copy:
        connection.backup(copy)
    temporary.replace(target)
    return target
