"""From fields to a run: what is frozen, and what is left out where no data are read."""

from __future__ import annotations

import pytest
import recorded_compression as recorded
from recorded_runs import make_project

from core.project.run_start import prepare_run
from core.runs.run_folder import RunFolder
from core.system.errors import InputError, MissingFilesError


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目", train=2, val=2)
    yield made
    made.close()


def test_a_job_that_reads_images_gets_them_frozen(project, tmp_path) -> None:
    root = recorded.record_model(project)
    row = prepare_run(project, {"kind": "verify", "model_dir": root, "export_dir": tmp_path})
    spec = RunFolder(row.folder).spec
    assert spec.data_dir == row.folder / "dataset"
    assert (spec.data_dir / "val_list.txt").is_file()


def test_one_that_could_and_does_not_names_none(project, tmp_path) -> None:
    root = recorded.record_model(project)
    fields = {"kind": "export", "model_dir": root, "out_dir": tmp_path / "out"}
    assert RunFolder(prepare_run(project, fields).folder).spec.data_dir is None
    fields["reference"] = True
    row = prepare_run(project, fields)
    assert RunFolder(row.folder).spec.data_dir == row.folder / "dataset"


def test_all_images_that_are_gone_are_named_before_anything_starts(project, tmp_path) -> None:
    root = recorded.record_model(project)
    fields = {"kind": "verify", "model_dir": root, "export_dir": tmp_path}
    gone = [row.path for row in project.images()][1:3]
    for path in gone:
        path.rename(path.with_suffix(".moved"))
    before = len(project.runs())
    with pytest.raises(MissingFilesError, match=r"\(2\)") as caught:
        prepare_run(project, fields)
    assert set(caught.value.files) == set(gone)
    assert len(project.runs()) == before
    for path in gone:
        path.with_suffix(".moved").rename(path)
    masks = list((project.folder / "masks").rglob("*.png"))
    masks[0].unlink()
    with pytest.raises(MissingFilesError, match="Masks"):
        prepare_run(project, fields)


def test_wrong_fields_leave_no_run(project, tmp_path) -> None:
    before = len(project.runs())
    with pytest.raises(InputError, match="not valid"):
        prepare_run(project, {"kind": "trial", "model_dir": tmp_path, "images": []})
    assert len(project.runs()) == before
