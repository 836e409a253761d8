"""What a trial leaves behind: label maps, how sure they are, and lines that name whole files."""

from __future__ import annotations

import numpy as np
import pytest

from core.runs.trial_files import TrialFiles, TrialRecord


@pytest.fixture
def files(tmp_path):
    return TrialFiles(tmp_path)


def test_what_was_written_is_read_again(files, tmp_path) -> None:
    label_map = np.zeros((5, 7), np.uint8)
    label_map[1:3, 2:6] = 2
    confidence = np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7)
    image = tmp_path / "图 1.png"
    files.write(TrialRecord(3, image), label_map=label_map, confidence=confidence)
    files.write(TrialRecord(1, tmp_path / "b.png", "It cannot be read."))
    assert files.records() == [
        TrialRecord(1, tmp_path / "b.png", "It cannot be read."),
        TrialRecord(3, image),
    ]
    assert np.array_equal(files.label_map(3), label_map)
    assert np.abs(files.confidence(3) - confidence).max() <= 0.5 / 255 + 1e-6
    assert files.confidence(1) is None


def test_half_a_line_of_a_killed_job_is_no_record(files, tmp_path) -> None:
    files.write(TrialRecord(0, tmp_path / "a.png", "no"))
    with (tmp_path / "results.jsonl").open("a") as stream:
        stream.write('{"index": 1, "image": "b.p')
    assert [record.index for record in files.records()] == [0]


def test_nothing_was_tried_yet(files) -> None:
    assert files.records() == []
