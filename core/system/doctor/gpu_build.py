"""Which build of the engine fits a GPU, and how to install it beside the processor's build."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.system.messages import Message, message

ENGINE_VERSION = "3.2.2"


def gpu_build(*, cuda: tuple[int, int], capability: tuple[int, int]) -> str | None:
    """Return which build of paddlepaddle-gpu fits: ``cu118``, ``cu126``, ``cu129`` or None.

    Args:
        cuda: newest CUDA version that the driver runs.
        capability: compute capability of the GPU.

    A driver runs every build made for its CUDA version or an older one. Blackwell (10 and up) is
    only in the newest build; any driver for it is new enough. Before Turing (7.5), only the
    CUDA 11 build still holds the code.
    """
    if capability < (6, 0) or cuda < (11, 8):
        return None
    if capability >= (10, 0):
        return "cu129" if cuda >= (12, 8) else None
    if capability < (7, 5):
        return "cu118"
    if cuda >= (12, 9):
        return "cu129"
    return "cu126" if cuda >= (12, 6) else "cu118"


def has_kernels(capability: tuple[int, int], built_for: Sequence[int | str]) -> bool:
    """Whether a build holds code that a GPU runs.

    Args:
        capability: compute capability of the GPU, such as (8, 6).
        built_for: capabilities the build was made for, such as 86; empty where it does not say.

    Code for one capability runs on later ones of the same generation.
    """
    built = [divmod(int(one), 10) for one in built_for]
    return not built or any(
        major == capability[0] and minor <= capability[1] for major, minor in built
    )


def gpu_installation(build: str) -> tuple[Message, ...]:
    """Steps that install the GPU build in an environment of its own.

    A plain ``uv run`` puts the environment back to what pyproject.toml says, the processor's
    build; hence another folder, and ``--no-sync``.
    """
    if sys.platform == "win32":
        setting = message('$env:UV_PROJECT_ENVIRONMENT = ".venv-gpu"')
    else:
        setting = message("export UV_PROJECT_ENVIRONMENT=.venv-gpu")
    return (
        message("To train on this GPU, make an environment of its own for it (once):"),
        setting,
        message("uv sync --no-install-package paddlepaddle"),
        message(
            "uv pip install --python .venv-gpu paddlepaddle-gpu=={version} --index INDEX",
            version=ENGINE_VERSION,
        ),
        message(
            "INDEX is Paddle's package index for {build}; its address is on Paddle's install page.",
            build=build,
        ),
        message("Then start with: uv run --no-sync main.py (with the same setting as above)"),
    )
