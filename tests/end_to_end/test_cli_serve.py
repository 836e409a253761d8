"""The command ``serve`` as users start it: answered by a process of its own, ended by a signal."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from line_models import write_line_model
from PIL import Image
from service_parts import marked_part, png

ROOT = Path(__file__).parents[2]
CLIENTS = 32
REQUESTS = 12  # of each client
PNG = {"Content-Type": "image/png"}


@contextlib.contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command; yields it and its address."""
    command = [sys.executable, str(ROOT / "main.py"), "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, line + (process.stderr.read() if process.stderr else "")
            yield process, found[0].rstrip("/")
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    """Send a signal; returns the exit code and what was said on stderr."""
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_line_model(folder)
    return folder


def test_many_clients_each_get_their_own_answers(export):
    def client_of(client: int) -> list[str]:
        problems = []
        with httpx.Client(base_url=address, timeout=60) as http:
            for turn in range(REQUESTS):
                number = (client * 7 + turn * 13) % 50
                width = 64 + 8 * (turn % 3)
                part = marked_part(number, width=width)
                output = ("json", "mask", "json")[turn % 3]
                if turn % 2:
                    answer = http.post(f"/predict?output={output}", content=png(part), headers=PNG)
                else:
                    answer = http.post(
                        f"/predict?output={output}", files={"file": ("a.png", png(part))}
                    )
                if answer.status_code != 200:
                    problems.append(f"{answer.status_code}: {answer.text}")
                elif output == "json":
                    verdict = answer.json()
                    boxes = [one["box"] for one in verdict["objects"]]
                    if boxes != [[4, 10, 5 + number, 14]] or verdict["width"] != width:
                        problems.append(f"{number}, {width}: {verdict}")
                else:
                    mask = np.asarray(Image.open(io.BytesIO(answer.content)))
                    if mask.shape != (48, width) or mask.sum() != 4 * (number + 1):
                        problems.append(f"{number}, {width}: {mask.shape}, {mask.sum()}")
        return problems

    with serving("--export", export) as (process, address):
        with ThreadPoolExecutor(CLIENTS) as pool:
            problems = [one for some in pool.map(client_of, range(CLIENTS)) for one in some]
        assert problems == []
        metrics = httpx.get(f"{address}/metrics").text
        assert 'requests_total{path="/predict",status="200"} 384.0' in metrics
        images = float(re.findall(r"batch_images_sum (\S+)", metrics)[0])
        batches = float(re.findall(r"batch_images_count (\S+)", metrics)[0])
        assert images == CLIENTS * REQUESTS
        assert batches < images  # some were computed together
        assert ended(process) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_finish_what_it_has_accepted(export, number):
    parts = [np.full((1500, 1500, 3), 190, np.uint8) for _ in range(4)]
    for index, part in enumerate(parts):
        part[10 : 11 + index, 20:30] = (60, 60, 230)
    with serving("--export", export) as (process, address), ThreadPoolExecutor(4) as pool:
        waiting = [
            pool.submit(
                httpx.post, f"{address}/predict", content=png(part), headers=PNG, timeout=120
            )
            for part in parts
        ]
        end = time.monotonic() + 60
        while "batch_images_count 0.0" in httpx.get(f"{address}/metrics", timeout=60).text:
            assert time.monotonic() < end
        process.send_signal(number)
        areas = [one.result(120).json()["objects"][0]["area_px"] for one in waiting]
        assert areas == [10 * (index + 1) for index in range(4)]
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, "")


def test_with_a_token(export, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef0123\n", encoding="ascii")
    token.chmod(0o644)
    with serving("--export", export, "--token-file", token) as (process, address):
        assert httpx.get(f"{address}/model").status_code == 401
        headers = {"Authorization": "Bearer 0123456789abcdef0123"}
        assert httpx.get(f"{address}/model", headers=headers).json()["model"] == "Nodes"
        code, said = ended(process)
        assert code == 0
        if sys.platform != "win32":
            assert f"can read {token}" in said


def test_it_warns_where_anybody_can_use_it(export):
    with serving("--export", export, "--host", "0.0.0.0") as (process, address):
        port = address.rsplit(":", 1)[1]
        assert httpx.get(f"http://127.0.0.1:{port}/health").json()["ready"]
        code, said = ended(process)
        assert code == 0
        assert said.startswith("warning: everybody who can reach this machine")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--export", "missing"], "missing is not a folder"),
        (["--export", "."], "is no exported model"),
        (["--export", "{export}", "--token-file", "missing"], "cannot be read: No such file"),
        (["--export", "{export}", "--host", "203.0.113.7"], "cannot listen at 203.0.113.7"),
        (["--export", "{export}", "--runtime", "paddle"], "paddle"),
        (["--export", "{export}", "--rate", "-1"], "--rate"),
    ],
)
def test_bad_input_is_told_in_one_sentence(export, tmp_path, arguments, sentence):
    command = [sys.executable, str(ROOT / "main.py"), "serve"]
    command += [argument.format(export=export) for argument in arguments]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_it_needs_no_engine_and_no_window(export, runtime):
    program = (
        "import sys, threading\n"
        "from core.cli import run\n"
        "from uvicorn import Server\n"
        "started = Server.startup\n"
        "async def startup(self, sockets=None):\n"
        "    await started(self, sockets)\n"
        "    self.should_exit = True\n"
        "Server.startup = startup\n"
        f"code = run(['serve', '--export', {str(export)!r}, '--port', '0', '--runtime', "
        f"{runtime!r}])\n"
        "print(code, sorted({name.split('.')[0] for name in sys.modules} "
        "& {'paddle', 'PySide6', 'app', 'torch'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["0 []"], done.stderr
