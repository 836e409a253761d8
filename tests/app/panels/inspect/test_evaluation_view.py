"""Errors filtered by kind and size; the tables where there is room and where there is none."""

from __future__ import annotations

from inspection_parts import names
from panel_parts import settle
from PySide6.QtCore import QPoint, Qt

from core.prediction.object_errors import ErrorFilter, ErrorKind


def choose(qtbot, panel, *, kind=None, size=None):
    box = panel.results.filter
    for combo, value in ((box.kind_box, kind), (box.size_box, size)):
        combo.setCurrentIndex(combo.findData(value))
    settle(qtbot, panel)


def counted(panel, wanted):
    """(image, errors) of all images that have some, by the stored errors."""
    counts = {s.image.name: s.errors.count(wanted) for s in panel._evaluation.images}
    return {name: count for name, count in counts.items() if count}


def test_each_kind_lists_its_images_most_first(qtbot, drawn_panel):
    panel = drawn_panel
    every = names(panel)
    for kind in (ErrorKind.MISSED, ErrorKind.FALSE_ALARM):
        choose(qtbot, panel, kind=kind)
        expected = counted(panel, ErrorFilter(kind=kind))
        assert expected
        assert set(names(panel)) == set(expected)
        counts = [expected[name] for name in names(panel)]
        assert counts == sorted(counts, reverse=True)
        assert f"{sum(counts):,}" in panel.results.list_title.text()
        assert panel.results.images.current.image.name == names(panel)[0]
    panel.results.clear_button.click()
    assert names(panel) == every
    assert panel.results.filter.kind is None


def test_size_and_class_narrow_it(qtbot, drawn_panel):
    panel = drawn_panel
    choose(qtbot, panel, kind=ErrorKind.FALSE_ALARM, size="medium")
    wanted = ErrorFilter(kind=ErrorKind.FALSE_ALARM, size="medium")
    assert set(names(panel)) == set(counted(panel, wanted))
    panel.results.filter.class_box.setCurrentIndex(3)  # dent
    settle(qtbot, panel)
    narrow = ErrorFilter(kind=ErrorKind.FALSE_ALARM, size="medium", label=2, predicted=2)
    assert set(names(panel)) == set(counted(panel, narrow))


def test_what_is_filtered_is_framed(qtbot, drawn_panel):
    panel = drawn_panel
    choose(qtbot, panel, kind=ErrorKind.FALSE_ALARM)
    framed = panel.results.viewer.picture.copy()
    score = panel.results.images.current
    place = next(p for p in score.errors.places if p.type.kind is ErrorKind.FALSE_ALARM)
    panel.results.viewer.frame(ErrorFilter())
    settle(qtbot, panel)
    changed = (framed != panel.results.viewer.picture).any(axis=2)
    assert changed.any()
    x0, y0, x1, y1 = place.box
    inside = changed[max(y0 - 6, 0) : y1 + 6, max(x0 - 6, 0) : x1 + 6]
    assert inside.any()


def test_a_cell_of_the_matrix_ends_the_kind(qtbot, drawn_panel):
    panel = drawn_panel
    choose(qtbot, panel, kind=ErrorKind.MISSED)
    panel.results.figures.tabs.setCurrentIndex(2)
    matrix = panel.results.figures.matrix
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(matrix.cell_rect(0, 2).center()))
    settle(qtbot, panel)
    assert panel.results.filter.kind is None
    assert panel.results.viewer.focus == 2  # what is claimed, and not the background
    assert panel.results.wanted == ErrorFilter(label=0, predicted=2)
    expected = {s.image.name for s in panel._evaluation.images if s.confusions.get((0, 2))}
    assert set(names(panel)) == expected
    # A size makes it objects: what is claimed out of the background is a false alarm.
    choose(qtbot, panel, size="small")
    assert panel.results.wanted == ErrorFilter(ErrorKind.FALSE_ALARM, None, 2, "small")
    choose(qtbot, panel, kind=ErrorKind.MISSED, size="small")
    assert panel.results.filter.class_id is None
    assert panel.results.wanted == ErrorFilter(ErrorKind.MISSED, size="small")


def test_where_nothing_is_found_nothing_is_shown(qtbot, drawn_panel):
    panel = drawn_panel
    choose(qtbot, panel, kind=ErrorKind.MISSED, size="large")
    assert names(panel) == []
    assert panel.results.viewer.picture is None
    assert "0 objects missed" in panel.results.list_title.text()


def test_tables_share_the_room_or_take_turns(qtbot, drawn_panel):
    panel, figures = drawn_panel, drawn_panel.results.figures
    panel.resize(1500, 1000)
    qtbot.waitUntil(lambda: figures.tabs.isHidden())
    shown = (figures.objects, figures.pixels, figures.matrix)
    assert all(part.isVisible() for part in shown)
    panel.resize(640, 600)
    qtbot.waitUntil(lambda: not figures.tabs.isHidden())
    for place, part in enumerate(shown):
        figures.tabs.setCurrentIndex(place)
        assert [one.isVisible() for one in shown] == [one is part for one in shown]


def test_names_and_numbers_are_whole_where_it_is_narrow(qtbot, drawn_panel):
    panel = drawn_panel
    panel.resize(602, 610)
    qtbot.wait(50)
    for place, table in (
        (0, panel.results.figures.objects.table),
        (1, panel.results.figures.pixels),
    ):
        panel.results.figures.tabs.setCurrentIndex(place)
        assert not table.horizontalScrollBar().isVisible()
        metrics = table.fontMetrics()
        for row in range(table.rowCount()):
            text = table.item(row, 0).text()
            assert metrics.horizontalAdvance(text) + 30 <= table.columnWidth(0)
    tiles = panel.figures.tiles
    assert tiles["found"].isVisible()
    assert tiles["miou"].isVisible()
    for tile in tiles.values():
        if tile.isVisible():
            assert tile.width() >= tile.sizeHint().width()
