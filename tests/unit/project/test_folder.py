"""Creating, opening, locking and migrating a project's folder."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from project_samples import labelled, mask, project, write_images

from core.project import Project, database, is_project, schema
from core.system.errors import InputError

__all__ = ["project"]


def refusal(action) -> str:
    with pytest.raises(InputError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_what_was_created_is_there_after_opening_again(tmp_path: Path) -> None:
    folder = tmp_path / "检查 project"
    with Project.create(folder, "Plates", labels=["background", "划痕"]) as created:
        created.rename("Steel plates")
    assert is_project(folder)
    with Project.open(folder) as opened:
        assert opened.name == "Steel plates"
        assert [(label.id, label.name) for label in opened.labels()] == [
            (0, "background"),
            (1, "划痕"),
        ]
        assert opened.images() == []
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["masks", "runs"]


def test_create_refuses_folders_that_hold_something(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    assert "not empty" in refusal(lambda: Project.create(tmp_path / "photos"))
    assert sorted(path.name for path in (tmp_path / "photos").iterdir()) == ["one.jpg"]
    Project.create(tmp_path / "project").close()
    assert "already" in refusal(lambda: Project.create(tmp_path / "project"))
    (tmp_path / "file").write_text("x")
    refusal(lambda: Project.create(tmp_path / "file"))


def test_create_never_takes_over_the_masks_of_a_lost_project(tmp_path: Path) -> None:
    masks = tmp_path / "masks" / "ab"
    masks.mkdir(parents=True)
    (masks / "abc.png").write_bytes(b"x")
    assert "not empty" in refusal(lambda: Project.create(tmp_path))


def test_create_goes_on_where_a_crash_left_half_a_project(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "project.db.new").write_bytes(b"half")
    assert not is_project(tmp_path)
    with Project.create(tmp_path) as created:
        assert created.counts().total == 0


def test_open_says_what_is_wrong(tmp_path: Path) -> None:
    assert "not a project" in refusal(lambda: Project.open(tmp_path / "nowhere"))
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    with closing(sqlite3.connect(foreign / "project.db")) as connection:
        connection.execute("CREATE TABLE image (id INTEGER)")
    assert "another program" in refusal(lambda: Project.open(foreign))
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "project.db").write_bytes(b"This is no database at all. " * 100)
    assert "damaged" in refusal(lambda: Project.open(damaged))


def test_damage_found_later_is_one_sentence_too(tmp_path: Path) -> None:
    paths = write_images(tmp_path / "images", 60)
    with Project.create(tmp_path / "p") as created:
        created.add_images(paths)
    file = tmp_path / "p" / "project.db"
    data = bytearray(file.read_bytes())
    data[8192 : len(data) - 4096] = b"\x5a" * (len(data) - 12288)
    file.write_bytes(data)

    def use() -> None:
        with Project.open(tmp_path / "p") as opened:
            opened.images()

    assert "damaged" in refusal(use)


def test_a_newer_projects_file_is_left_alone(tmp_path: Path) -> None:
    Project.create(tmp_path / "p").close()
    with closing(sqlite3.connect(tmp_path / "p" / "project.db")) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    assert "newer version" in refusal(lambda: Project.open(tmp_path / "p"))
    with closing(sqlite3.connect(tmp_path / "p" / "project.db")) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    assert version == len(schema.MIGRATIONS) + 1


def test_a_migration_backs_up_first_and_is_all_or_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled(project, write_images(tmp_path / "images", 2), 0, 1)
    folder = project.folder
    project.close()
    version = len(schema.MIGRATIONS)

    def add_column(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE image ADD COLUMN camera TEXT")

    def fail(connection: sqlite3.Connection) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_column, fail))
    assert "older version" in refusal(lambda: Project.open(folder, read_only=True))
    with pytest.raises(RuntimeError, match="power cut"):
        Project.open(folder)
    backup = folder / f"project.db.v{version}.bak"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM image").fetchone()[0] == 2
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1],))
    with Project.open(folder) as opened:
        assert opened.counts().total == 2
    with closing(sqlite3.connect(folder / "project.db")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(image)")]
        assert "camera" in columns
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version + 1


def test_one_window_writes_and_others_read(project: Project, tmp_path: Path) -> None:
    other = (
        "import sys\n"
        "from core.system.errors import InputError\n"
        "from core.project import Project\n"
        "try:\n"
        "    Project.open(sys.argv[1])\n"
        "except InputError as error:\n"
        "    print(error)\n"
        "with Project.open(sys.argv[1], read_only=True) as reader:\n"
        "    print(reader.counts().total)\n"
        "    try:\n"
        "        reader.add_class('x')\n"
        "    except InputError as error:\n"
        "        print(error)\n"
    )
    project.add_images(write_images(tmp_path / "images", 3))
    finished = subprocess.run(
        [sys.executable, "-c", other, str(project.folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    locked, total, refused = finished.stdout.splitlines()
    assert "open in another window" in locked
    assert total == "3"
    assert "reading only" in refused
    project.close()
    Project.open(project.folder).close()


def test_a_reader_sees_what_the_writer_saves(project: Project, tmp_path: Path) -> None:
    with Project.open(project.folder, read_only=True) as reader:
        assert reader.read_only
        project.add_images(write_images(tmp_path / "images", 2))
        assert reader.counts().total == 2


def test_a_folder_nobody_can_write_is_read_without_a_file_beside_the_database(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add_images(write_images(tmp_path / "images", 2))
    folder = project.folder
    project.close()
    before = {path.name for path in folder.iterdir()}
    # For root every folder is writable, so the system's answer is set here.
    monkeypatch.setattr("core.project.database.os.access", lambda *_args: False)
    with Project.open(folder, read_only=True) as reader:
        assert reader.counts().total == 2
        assert {path.name for path in folder.iterdir()} == before


def test_threads_read_and_write_at_once(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "images", 4), 0, 1)
    ids = project.image_ids()
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(8):
                project.save_label_map(ids[number], mask(0, 1 + step % 2))
                assert project.label_map(ids[number]) is not None
                assert project.counts().total == 4
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [len(project.mask_history(image_id)) for image_id in ids] == [7] * 4


def test_a_transaction_that_fails_leaves_nothing(project: Project) -> None:
    with pytest.raises(ZeroDivisionError), project._database.transaction() as connection:
        connection.execute("UPDATE setting SET value = 'x' WHERE key = 'name'")
        _ = 1 / 0
    assert project.name == "Plates"


def test_a_full_disk_is_a_sentence(project: Project, tmp_path: Path) -> None:
    connection = project._database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    paths = write_images(tmp_path / "images", 300)
    assert "full" in refusal(lambda: project.add_images(paths))
    assert project.counts().total == 0


def test_every_commit_reaches_the_disk(project: Project) -> None:
    connection = project._database.connection()
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_an_unknown_database_error_stays_a_bug() -> None:
    error = sqlite3.OperationalError("no such table: x")
    assert database.input_error(error, Path("p")) is None


def test_images_are_found_after_the_project_moved(tmp_path: Path) -> None:
    old, new = tmp_path / "old 旧", tmp_path / "new 新"
    inside = write_images(old / "source", 2, prefix="copied")
    outside = write_images(old / "photos", 2, prefix="referenced")
    with Project.create(old / "project") as created:
        created.add_images(inside, copy=True)
        created.add_images(outside)
        assert [row.path for row in created.images()][2:] == outside
    shutil.move(old, new)
    for _ in range(2):
        with Project.open(new / "project") as moved:
            paths = [row.path for row in moved.images()]
            assert paths[:2] == [new / "project" / "images" / path.name for path in inside]
            assert paths[2:] == [new / "photos" / path.name for path in outside]
            assert all(path.is_file() for path in paths)


def test_nothing_but_the_database_is_touched_when_opening(tmp_path: Path) -> None:
    paths = write_images(tmp_path / "images", 3)
    with Project.create(tmp_path / "p", labels=["background", "scratch"]) as created:
        labelled(created, paths, 0, 1)
    shutil.rmtree(tmp_path / "images")
    shutil.rmtree(tmp_path / "p" / "masks")
    with Project.open(tmp_path / "p") as opened:
        assert len(opened.images()) == 3
        assert [finding.code for finding in opened.findings() if finding.severity == "error"] == [
            "missing_image"
        ] * 3 + ["missing_mask"] * 3


def test_the_project_needs_no_engine() -> None:
    code = (
        "import sys, core.project; "
        "print([name for name in ('paddle', 'PySide6', 'scipy', 'pandas', 'matplotlib')"
        " if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert finished.stdout.strip() == "[]"
