"""The table of kinds of jobs, and descriptions that earlier versions wrote."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.runs import kind_lookup
from core.runs.kind_lookup import STAGES, find_kind, job_kind, spec_from_json, spec_to_json
from core.runs.kinds import JOB_KINDS, DraftSpec, EvaluateSpec, PruneSpec
from core.runs.run_folder import RunFolder
from core.transforms.recipes import Augmentation

EARLIER = Path(__file__).parents[2] / "data" / "earlier_specs.json"


@pytest.mark.parametrize("fields", json.loads(EARLIER.read_text("utf-8")), ids=lambda f: f["kind"])
def test_what_an_earlier_version_wrote_says_the_same(fields):
    """The file holds what the version before kinds were a table wrote of each."""
    spec = spec_from_json(json.dumps(fields))
    expected = {**fields, "kind": kind_lookup.present_name(fields["kind"])}
    written = json.loads(spec_to_json(spec))
    _assert_says_the_same(written, expected, type(spec))
    assert job_kind(spec).spec is type(spec)


def _assert_says_the_same(written, expected, model):
    """Settings that came later change nothing, those of augmentation included."""
    for name in written.keys() - expected.keys():
        assert written[name] == model.model_fields[name].default
    for name, value in expected.items():
        if name == "augmentation":
            _assert_says_the_same(written[name], value, Augmentation)
        else:
            assert written[name] == value


def test_an_earlier_run_folder_of_drafts_opens(tmp_path):
    run = tmp_path / "运行"
    run.mkdir()
    (run / "spec.json").write_text(
        '{"kind": "prelabel", "model_dir": "/m", "images": ["/a.png"], "image_ids": [3],'
        ' "device": "cpu"}',
        encoding="utf-8",
    )
    spec = RunFolder(run).spec
    assert isinstance(spec, DraftSpec)
    assert spec.image_ids == [3]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValidationError, match="paint"):
        spec_from_json('{"kind": "paint"}')
    with pytest.raises(ValidationError):
        spec_from_json('["train"]')
    assert find_kind("paint") is None


def test_names_stages_and_tasks_belong_to_one_kind_each():
    names = [name for kind in JOB_KINDS for name in kind_lookup.names_ever(kind.name)]
    assert len(set(names)) == len(names)
    stages = [stage for kind in JOB_KINDS for stage in kind.stages]
    assert len(set(stages)) == len(stages)
    assert set(stages) < set(STAGES)
    assert len({kind.task for kind in JOB_KINDS}) == len(JOB_KINDS)


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_its_task(kind):
    module, _, name = kind.task.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_what_data_a_job_needs_follows_from_its_spec():
    model, data = Path("m"), Path("d")

    def needed(spec):
        return job_kind(spec).subsets(spec)

    assert needed(EvaluateSpec(model_dir=model, data_dir=data, split="test")) == ("test",)
    assert needed(PruneSpec(model_dir=model, flops=0.3)) == ("val",)
    assert needed(PruneSpec(model_dir=model, flops=0.3, finetune_epochs=1)) == ("train", "val")
    assert needed(DraftSpec(model_dir=model, images=[Path("a")])) == ()
