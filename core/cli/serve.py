"""``serve``: an exported model as a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from core.serve.service_settings import ServiceSettings


def command(
    export: Annotated[Path, typer.Option("--export", metavar="DIR", help="Folder of an export.")],
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Address to listen at; by default this machine alone can reach it."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 for any that is free.")
    ] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Its one line is the token that clients must send: Authorization: Bearer TOKEN.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A name by which clients may call it, besides localhost, where only this machine "
            "can reach it. May be given several times.",
        ),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option("--max-bytes", min=1024, help="Largest image file.")
    ] = 64 * 2**20,
    max_pixels: Annotated[
        int, typer.Option("--max-pixels", min=1024, max=500_000_000, help="Largest image.")
    ] = 32_000_000,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", min=0.01, help="Requests a second of one client; by default any number."
        ),
    ] = None,
    queue: Annotated[
        int, typer.Option("--queue", min=1, max=10_000, help="How many images may wait.")
    ] = 64,
    batch: Annotated[
        int,
        typer.Option(
            "--batch", min=1, max=64, help="How many images of one size are computed together."
        ),
    ] = 8,
    runtime: Annotated[
        Literal["auto", "onnxruntime", "openvino", "paddle"],
        typer.Option("--runtime", help="What computes."),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, max=1024, help="That compute; by default one a core."),
    ] = None,
) -> None:
    """Judge images by HTTP: POST /predict, and a page to drop an image on.

    It ends with Ctrl-C or SIGTERM, after the requests that it has accepted.
    """
    from core.cli.console import existing_folder

    folder = existing_folder(export, option="--export")

    from core.serve.application import build_application
    from core.serve.connections import GracefulServer, open_socket, server_config
    from core.serve.served_model import ServedModel
    from core.serve.service import Service
    from core.serve.service_settings import ServiceSettings, read_token

    settings = ServiceSettings(
        host=host.removeprefix("[").removesuffix("]"),
        port=port,
        token=None if token_file is None else read_token(token_file),
        allowed_hosts=tuple(name.lower() for name in allow_host or ()),
        max_bytes=max_bytes,
        max_pixels=max_pixels,
        rate=rate,
        queue=queue,
        batch=batch,
    )
    model = ServedModel(folder, runtime=runtime, threads=threads)
    listener = open_socket(settings.host, settings.port)
    _warn_of(settings, token_file)
    address = _address(settings.host, listener.getsockname()[1])
    server = GracefulServer(
        server_config(build_application(Service(model, settings)), settings),
        on_ready=lambda: print(
            f"Serving {model.facts.model} at {address} (Ctrl-C ends it)", flush=True
        ),
    )
    server.run(sockets=[listener])


def _warn_of(settings: ServiceSettings, token_file: Path | None) -> None:
    from core.serve.service_settings import SHORT_TOKEN, is_open_to_others

    if settings.token is None and not settings.is_loopback:
        _warn("everybody who can reach this machine can use the service; --token-file limits it")
    if settings.token is not None and len(settings.token) < SHORT_TOKEN:
        _warn(f"a token of fewer than {SHORT_TOKEN} characters can be guessed")
    if token_file is not None and is_open_to_others(token_file):
        _warn(f"every user of this machine can read {token_file}; chmod 600 helps")


def _warn(text: str) -> None:
    from core.cli.console import err

    err().print(f"warning: {text}", markup=False)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
