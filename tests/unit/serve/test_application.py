"""What a client sends and gets."""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from service_parts import GatedJudge, client_of, marked_part, png, served

import core
from core.portable.portable_error import PortableError

PNG = {"Content-Type": "image/png"}
HUGE = 10_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return served(tmp_path_factory.mktemp("export"), revision="abc123", pixel_size_mm=0.5)


@pytest.fixture(scope="module")
def client(model):
    with client_of(model, max_bytes=100_000, max_pixels=10_000) as made:
        yield made


def test_a_verdict_in_json(client):
    answer = client.post("/predict", content=png(marked_part(19)), headers=PNG)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-outcome"] == "reject"
    verdict = answer.json()
    assert verdict["outcome"] == "reject"
    assert verdict["reasons"] == [{"text": "Found: Crack (1)", "outcome": "reject", "rule": None}]
    (found,) = verdict["objects"]
    assert (found["class"], found["name"], found["area_px"]) == (1, "Crack", 80)
    assert (found["length_px"], found["length_mm"], found["area_mm2"]) == (20, 10, 20)
    assert found["box"] == [4, 10, 24, 14]
    assert 0.9 < found["score"] <= 1
    assert (verdict["width"], verdict["height"]) == (64, 48)
    assert (verdict["model"], verdict["revision"]) == ("Nodes", "abc123")
    assert (verdict["format"], verdict["precision"]) == ("onnx", "float32")
    assert verdict["milliseconds"] > 0


def test_a_good_part_is_accepted(client):
    part = np.full((40, 30, 3), 190, np.uint8)
    verdict = client.post("/predict", content=png(part), headers=PNG).json()
    assert (verdict["outcome"], verdict["reasons"], verdict["objects"]) == ("accept", [], [])


def test_a_form_gives_what_the_body_gives(client):
    data = png(marked_part(5))
    raw = client.post("/predict", content=data, headers=PNG).json()
    form = client.post("/predict", files={"file": ("part.png", data, "image/png")}).json()
    assert raw.pop("milliseconds") > 0
    assert form.pop("milliseconds") > 0
    assert raw == form


def test_the_mask_is_an_indexed_png_of_class_ids(client):
    answer = client.post("/predict?output=mask", content=png(marked_part(19)), headers=PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-outcome"] == "reject"
    mask = Image.open(io.BytesIO(answer.content))
    assert mask.mode == "P"
    assert mask.getpalette()[:9] == [0, 0, 0, 220, 40, 40, 40, 40, 220]
    expected = np.zeros((48, 64), np.uint8)
    expected[10:14, 4:24] = 1
    assert np.array_equal(np.asarray(mask), expected)


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("?output=overlay", "*/*", "image/png"),
        ("?output=overlay", "image/jpeg", "image/jpeg"),
        ("", "image/jpeg", "image/jpeg"),
        ("", "text/html,image/jpeg;q=0.9,*/*;q=0.8", "image/jpeg"),
    ],
)
def test_the_overlay_is_a_picture_of_the_same_size(client, query, accept, kind):
    part = marked_part(19)
    headers = PNG | {"Accept": accept}
    answer = client.post(f"/predict{query}", content=png(part), headers=headers)
    assert answer.headers["content-type"] == kind
    painted = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert painted.shape == part.shape
    assert np.abs(painted.astype(int) - part)[30:, 40:].max() < 12
    assert np.abs(painted.astype(int) - part)[10:14, 4:24].mean() > 10


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "image/png"),
        ("application/json;q=0.1, image/png", "image/png"),
        ("application/*", "application/json"),
    ],
)
def test_accept_decides_where_no_output_is_named(client, accept, kind):
    headers = PNG | {"Accept": accept}
    answer = client.post("/predict", content=png(marked_part(3)), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


def test_kinds_of_files_are_read_as_the_program_reads_them(client):
    part = marked_part(19)
    turned = Image.fromarray(np.ascontiguousarray(part[..., ::-1])).transpose(
        Image.Transpose.ROTATE_90
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    turned.save(stream, "JPEG", quality=98, subsampling=0, exif=exif)
    deep = io.BytesIO()
    tifffile.imwrite(deep, part[..., ::-1].astype(np.uint16) * 257)
    for data, kind in ((stream.getvalue(), "image/jpeg"), (deep.getvalue(), "image/tiff")):
        verdict = client.post("/predict", content=data, headers={"Content-Type": kind}).json()
        assert (verdict["width"], verdict["height"]) == (64, 48), kind
        assert [one["name"] for one in verdict["objects"]][:1] == ["Crack"], kind


def refused(answer, status: int) -> str:
    """Check an answer that is none; returns its sentence."""
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["status"] == status
    assert "Traceback" not in answer.text
    assert "/" not in problem["detail"].replace("image/", "").replace("application/", "").replace(
        "multipart/", ""
    )
    return problem["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "image", "image/", ""])
def test_other_content_types_are_refused(client, kind):
    data = png(marked_part(3))
    refused(client.post("/predict", content=data, headers={"Content-Type": kind}), 415)


def test_content_encodings_are_refused(client):
    headers = PNG | {"Content-Encoding": "gzip"}
    refused(client.post("/predict", content=png(marked_part(3)), headers=headers), 415)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"<svg/>", png(marked_part(3))[:-30]]
)
def test_what_is_no_image_is_refused(client, data):
    refused(client.post("/predict", content=data, headers=PNG), 422)


def test_forms_that_are_broken_or_hold_no_file(client):
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    refused(client.post("/predict", content=b"nothing", headers=form), 400)
    refused(
        client.post("/predict", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400
    )
    field = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'
    refused(client.post("/predict", content=field, headers=form), 422)
    files = [("file", ("a.png", png(marked_part(1)))), ("file", ("b.png", png(marked_part(2))))]
    refused(client.post("/predict", files=files), 400)


def test_the_name_of_a_file_is_repeated_without_harm(client):
    answer = client.post("/predict", files={"file": ("../../etc/<b>passwd", b"no image")})
    assert "passwd is unreadable" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_files_with_too_many_bytes_are_refused(client):
    headers = PNG | {"Content-Length": "100001"}
    assert "100000 bytes" in refused(client.post("/predict", content=b"x", headers=headers), 413)
    chunks = (b"x" * 40_000 for _ in range(1000))
    refused(client.post("/predict", content=chunks, headers=PNG), 413)
    form = {"file": ("a.png", b"x" * 100_001)}
    refused(client.post("/predict", files=form), 413)
    exactly = {"file": ("a.png", b"x" * 100_000)}
    refused(client.post("/predict", files=exactly), 422)


def test_images_with_too_many_pixels_are_refused_before_they_are_decoded(client, monkeypatch):
    monkeypatch.setattr("core.serve.service.decode_image", lambda name, data: 1 / 0)
    large = png(np.zeros((HUGE, 2, 3), np.uint8))
    assert "10000 pixels" in refused(client.post("/predict", content=large, headers=PNG), 413)


def test_an_output_that_does_not_exist(client):
    answer = client.post("/predict?output=video", content=png(marked_part(1)), headers=PNG)
    assert refused(answer, 422).startswith("output: ")


def test_nothing_that_is_accepted_can_be_given(client):
    headers = PNG | {"Accept": "text/html"}
    refused(client.post("/predict", content=png(marked_part(1)), headers=headers), 406)


def test_paths_and_methods_that_do_not_exist(client):
    refused(client.get("/nothing"), 404)
    answer = client.get("/predict")
    refused(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_sentences_come_in_chinese(client):
    headers = PNG | {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert "无法读取" in refused(client.post("/predict", content=b"x", headers=headers), 422)


def test_health(client, model):
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "model": "Nodes",
        "format": "onnx",
        "precision": "float32",
        "revision": "abc123",
        "runtime": "onnxruntime",
        "runtime_version": model.facts.runtime_version,
        "version": core.__version__,
    }


def test_the_model_is_described_without_its_files(client):
    content = client.get("/model").json()
    assert content["labels"] == ["background", "Crack", "Dark"]
    assert content["pixel_size_mm"] == 0.5
    assert "files" not in content
    assert "sha256" not in json.dumps(content)


def metrics_of(client) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_metrics_count_what_happens(model):
    with client_of(model) as client:
        client.post("/predict", content=png(marked_part(1)), headers=PNG)
        client.post("/predict", content=png(np.full((9, 9, 3), 190, np.uint8)), headers=PNG)
        client.post("/predict", content=b"x", headers=PNG)
        client.get("/some/where")
        values = metrics_of(client)
    assert values["maskwright_requests_total", "/predict", "200"] == 2
    assert values["maskwright_requests_total", "/predict", "422"] == 1
    assert values["maskwright_requests_total", "other", "404"] == 1
    assert values["maskwright_request_seconds_count", "/predict"] == 3
    assert values["maskwright_images_total", "reject"] == 1
    assert values["maskwright_images_total", "accept"] == 1
    assert values["maskwright_batch_images_count",] == 2
    assert values["maskwright_queue_length",] == 0
    assert values["maskwright_held_bytes",] == 0
    assert any(name[0] == "maskwright_model_info" and "Nodes" in name for name in values)
    assert any(name[0] == "process_resident_memory_bytes" for name in values)


def test_openmetrics_is_given_where_it_is_asked_for(client):
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_page_needs_nothing_from_elsewhere(client):
    answer = client.get("/", headers={"Accept-Language": "fr, zh;q=0.4"})
    assert answer.headers["content-language"] == "zh-CN"
    assert '<html lang="zh-CN">' in answer.text
    english = client.get("/", headers={"Accept-Language": "en-GB, zh;q=0.4"})
    assert "Drop an image here" in english.text
    assert "Drop an image here" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http://" not in answer.text
    assert "https://" not in answer.text


def test_the_page_shows_names_as_text(tmp_path):
    model = served(tmp_path, precision="<script>alert(1)</script>")
    with client_of(model) as client:
        assert "<script>alert" not in client.get("/").text


def test_requests_that_wait_are_computed_together(model):
    judge = GatedJudge(model)
    with client_of(judge, batch=4) as client, ThreadPoolExecutor(9) as pool:
        first = pool.submit(client.post, "/predict", content=png(marked_part(0)), headers=PNG)
        assert judge.has_begun.wait(20)
        others = [
            pool.submit(client.post, "/predict", content=png(marked_part(number)), headers=PNG)
            for number in range(1, 9)
        ]
        until(lambda: metrics_of(client)["maskwright_queue_length",] == 8)
        judge.may_go_on.set()
        answers = [one.result(20) for one in (first, *others)]
    assert judge.batches == [1, 4, 4]
    areas = [answer.json()["objects"][0]["area_px"] for answer in answers]
    assert areas == [4 * (number + 1) for number in range(9)]


def test_a_full_queue_asks_to_come_back(model):
    judge = GatedJudge(model)
    with client_of(judge, queue=1) as client, ThreadPoolExecutor(2) as pool:
        data = png(marked_part(1))
        waiting = [pool.submit(client.post, "/predict", content=data, headers=PNG)]
        assert judge.has_begun.wait(20)
        waiting.append(pool.submit(client.post, "/predict", content=data, headers=PNG))
        until(lambda: metrics_of(client)["maskwright_queue_length",] == 1)
        answer = client.post("/predict", content=data, headers=PNG)
        refused(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        judge.may_go_on.set()
        assert [one.result(20).status_code for one in waiting] == [200, 200]


def test_memory_is_bounded_and_given_back(model):
    part = np.full((100, 100, 3), 190, np.uint8)
    with client_of(model, memory=30_000) as client:
        answer = client.post("/predict", content=png(part), headers=PNG)
        refused(answer, 503)
        assert answer.headers["retry-after"] == "1"
        assert client.post("/predict", content=png(part[:90]), headers=PNG).status_code == 200
        assert metrics_of(client)["maskwright_held_bytes",] == 0


class FailingJudge(GatedJudge):
    """Fails as a bug does, or as a setting that does not fit."""

    error: Exception = RuntimeError("/home/someone/secret.onnx is broken")

    def judge(self, images):
        raise self.error


def test_a_bug_is_told_without_its_details(model):
    with client_of(FailingJudge(model)) as client:
        answer = client.post("/predict", content=png(marked_part(1)), headers=PNG)
        assert "secret" not in answer.text
        refused(answer, 500)
        assert client.get("/health").json()["ready"]
        assert metrics_of(client)["maskwright_requests_total", "/predict", "500"] == 1


def test_files_of_the_machine_are_named_without_their_folders(model):
    judge = FailingJudge(model)
    judge.error = PortableError("The region file {file} is no image.", file="/srv/line/region.png")
    with client_of(judge) as client:
        answer = client.post("/predict", content=png(marked_part(1)), headers=PNG)
        assert refused(answer, 422) == "The region file region.png is no image."


def test_a_service_that_hangs_is_not_ready(model, monkeypatch):
    monkeypatch.setattr("core.serve.service._STUCK_SECONDS", 0.05)
    judge = GatedJudge(model)
    with client_of(judge) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, "/predict", content=png(marked_part(1)), headers=PNG)
        assert judge.has_begun.wait(20)
        until(lambda: client.get("/health").status_code == 503)
        assert client.get("/health").json()["ready"] is False
        judge.may_go_on.set()
        assert waiting.result(20).status_code == 200
        assert client.get("/health").status_code == 200


def until(holds) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
