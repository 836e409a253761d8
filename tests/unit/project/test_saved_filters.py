"""Filters that are kept with a project."""

from __future__ import annotations

from core.project import ImageQuery, Project
from core.project.saved_filters import MOST


def test_filters_are_kept_in_their_order(tmp_path):
    wanted = [ImageQuery("val", "labelled", 1, text="线 3"), ImageQuery("train"), ImageQuery()]
    with Project.create(tmp_path / "p", "P", labels=["Crack"]) as project:
        assert project.saved_filters() == ()
        project.set_saved_filters(wanted)
    with Project.open(tmp_path / "p", read_only=True) as project:
        assert list(project.saved_filters()) == wanted


def test_too_many_and_damaged_ones_are_left_out(tmp_path):
    with Project.create(tmp_path / "p", "P") as project:
        project.set_saved_filters([ImageQuery(text=str(n)) for n in range(MOST + 5)])
        assert [one.text for one in project.saved_filters()] == [str(n) for n in range(MOST)]
        with project._storage.database.transaction() as connection:
            for text, left in (
                ('[{"subset": "gone"}, 3, {"state": "draft"}, {"class": "x"}]', 1),
                ("{}", 0),
                ("[", 0),
            ):
                connection.execute(
                    "UPDATE setting SET value = ? WHERE key = 'saved_filters'", (text,)
                )
                assert len(project.saved_filters()) == left
