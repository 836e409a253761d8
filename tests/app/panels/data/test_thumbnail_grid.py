"""The grid of thumbnails: many rows, a limited cache, masks that change."""

from __future__ import annotations

from parts import make_seg_folder

from core.project import Project


def test_many_rows_cost_only_what_is_visible(qapp, qtbot, tmp_path):
    from app.panels.data.thumbnail_grid import ThumbnailGrid
    from app.widgets.thumbnails import ThumbnailLoader

    folder = make_seg_folder(tmp_path / "s", count=12)
    with Project.create(tmp_path / "p") as project:
        project.import_data_folder(folder)
        ids = project.image_ids()
        loader = ThumbnailLoader()
        grid = ThumbnailGrid(loader)
        qtbot.addWidget(grid)
        fetched = []
        original = project.images_by_id
        project.images_by_id = lambda wanted: fetched.append(len(wanted)) or original(wanted)
        loader.set_project(project)
        grid.images.set_images(project, ids * 10_000)  # 120 000 rows
        grid.resize(900, 700)
        grid.show()
        qtbot.waitUntil(lambda: len(loader._cache) == 12)
        assert grid.images.rowCount() == 120_000
        assert sum(fetched) <= 64 * 8
        grid.scrollToBottom()
        qtbot.wait(50)
        assert sum(fetched) <= 64 * 16
        grid.close()
        loader.shut_down()


def test_thumbnail_cache_is_limited_by_bytes(qapp, qtbot, tmp_path):
    from app.widgets.thumbnails import ThumbnailLoader

    folder = make_seg_folder(tmp_path / "s", count=12)
    with Project.create(tmp_path / "p") as project:
        project.import_data_folder(folder)
        loader = ThumbnailLoader(max_bytes=20_000)
        loader.set_project(project)
        for row in project.images():
            loader.get(row, 48)
        qtbot.waitUntil(lambda: not loader._wishes and not loader._busy)
        assert 0 < loader._cache.currsize <= 20_000
        assert len(loader._cache) < 12
        loader.shut_down()


def test_an_old_thumbnail_stands_in_until_the_new_mask_is_read(qapp, qtbot, tmp_path):
    from app.widgets.thumbnails import ThumbnailLoader

    folder = make_seg_folder(tmp_path / "图 s", count=1)
    with Project.create(tmp_path / "p") as project:
        project.import_data_folder(folder)
        loader = ThumbnailLoader()
        loader.set_project(project)
        (row,) = project.images()
        assert loader.get(row, 48) is None
        qtbot.waitUntil(lambda: loader.get(row, 48) is not None)
        old = loader.get(row, 48)
        project.save_label_map(row.id, project.label_map(row.id) * 0)
        (changed,) = project.images()
        assert changed.mask_hash != row.mask_hash
        assert loader.get(changed, 48) is old
        qtbot.waitUntil(lambda: loader.get(changed, 48) is not old)
        loader.shut_down()
