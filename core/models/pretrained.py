"""Published weights: which there are for each network, and where they lie on this computer.

Those in an installed package (``core.models.packaged_weights``) need no more. The others are
downloaded: a set lies in a folder of its own, ``Class[_backbone]_NAME`` (``UNet_CITYSCAPES``,
``DeepLabV3P_ResNet50_vd_PascalVOC``, ``HRNet_HRNet_W18_CITYSCAPES``), as ``model.pdparams``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from core.models.catalog import NETWORKS
from core.models.packaged_weights import PackagedWeights
from core.models.state_dict_files import read_state_dict
from core.system import downloads
from core.system.downloads import DownloadError
from core.system.errors import InputError
from core.system.files import sha256_file, storage_problem, write_text_atomic
from core.system.reporting import Reporter

#: Environment variable: a folder with weights put there by hand, looked at before the cache.
FOLDER_VARIABLE = "MASKWRIGHT_PRETRAINED"
NAMES = ("CITYSCAPES", "PascalVOC", "IMAGENET")
_WEIGHTS = "model.pdparams"
_ARCHIVE_SUFFIX = ".tar.gz"

#: Public store of PaddleSeg's weights.
BASE_URL = "https://bj.bcebos.com/paddleseg/dygraph/"
#: SHA-256 by key, where it is known for sure. None has been published, so the first download of
#: each file is trusted and its hash kept beside it.
_SHA256: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWeights:
    """One set of published weights.

    Attributes:
        key: name of its folder.
        url: where it is published.
        backbone_only: whether it holds the weights of the backbone alone.
        sha256: of the file at ``url``; None: not known.
    """

    key: str
    url: str
    backbone_only: bool
    sha256: str | None = None


def offered(model_name: str, init_params: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the names of the weights published for a network.

    Args:
        model_name: class name in ``core.seg``.
        init_params: its constructor's arguments; what is missing has the class's default.
    """
    network = NETWORKS.get(model_name)
    if network is None:
        return ()
    params = init_params or {}
    known = {*network.published, *network.packaged}
    return tuple(name for name in NAMES if network.weights_key(name, params) in known)


def packaged(
    model_name: str, init_params: Mapping[str, Any] | None, name: str
) -> PackagedWeights | None:
    """Return the weights called ``name`` if they come in a package; None: in none."""
    network = NETWORKS.get(model_name)
    if network is None:
        return None
    return network.packaged.get(network.weights_key(name, init_params or {}))


def published(
    model_name: str, init_params: Mapping[str, Any] | None, name: str
) -> PublishedWeights:
    """Return the weights called ``name`` of a network, which are to be downloaded.

    Raises:
        InputError: there are none.
    """
    if name not in offered(model_name, init_params):
        raise InputError(
            "There are no weights “{name}” for {model}: choose {known}, a .pdparams file, a model "
            "folder, or None.",
            name=name,
            model=model_name,
            known=", ".join(offered(model_name, init_params)) or "none",
        )
    network = NETWORKS[model_name]
    variant = network.weights_key(name, init_params or {})
    key = f"{model_name}_{variant}"
    return PublishedWeights(
        key=key,
        url=BASE_URL + network.published[variant],
        backbone_only=name == "IMAGENET",
        sha256=_SHA256.get(key),
    )


def cache_folder() -> Path:
    """Folder of this user that downloads go to."""
    return Path(platformdirs.user_cache_dir("maskwright", appauthor=False)) / "pretrained"


def folders() -> tuple[Path, ...]:
    """Where weights are looked for, in this order.

    ``pdx.pretrain_dir`` (PaddleX's setting), ``MASKWRIGHT_PRETRAINED``, the cache.
    """
    chosen = (
        getattr(sys.modules.get("core"), "pretrain_dir", None),
        os.environ.get(FOLDER_VARIABLE),
    )
    return (*(Path(folder) for folder in chosen if folder), cache_folder())


def obtain(weights: PublishedWeights, *, reporter: Reporter) -> Path:
    """Return the ``.pdparams`` file of published weights, downloading it where it is missing.

    Raises:
        InputError: it is not here and cannot be downloaded, or it has changed since it was.
        StopRequested: the reporter asked to stop; another call goes on with the download.
    """
    for folder in folders():
        found = _find(folder / weights.key, weights)
        if found is not None:
            _check_unchanged(found)
            return found
    target = cache_folder() / weights.key / _WEIGHTS
    try:
        with downloads.exclusive(target, reporter):
            if not target.is_file():  # another process may have been faster
                _fetch(weights, target, reporter)
    except DownloadError as error:
        raise InputError(
            "The weights {url} cannot be had ({reason}): connect to the internet, put their "
            "model.pdparams at {file}, or choose None as pretrain_weights.",
            url=weights.url,
            reason=error,
            file=target,
        ) from error
    except OSError as error:
        problem = storage_problem(error)
        if problem is None:
            raise
        raise problem from error
    return target


def _find(folder: Path, weights: PublishedWeights) -> Path | None:
    """Look for the file itself, and where unpacking its archive by hand puts it."""
    unpacked = PurePosixPath(weights.url).name.removesuffix(_ARCHIVE_SUFFIX)
    candidates = (folder / _WEIGHTS, folder / unpacked / _WEIGHTS)
    return next((path for path in candidates if path.is_file()), None)


def _fetch(weights: PublishedWeights, target: Path, reporter: Reporter) -> None:
    """Download and check; ``target`` appears when all is well."""
    received = target.with_name(PurePosixPath(weights.url).name + ".new")
    ready = target.with_name(_WEIGHTS + ".ready")
    downloads.download(weights.url, received, reporter=reporter)
    try:
        if weights.sha256 is not None and sha256_file(received) != weights.sha256:
            raise DownloadError("what the server sent is not the known file")
        if weights.url.endswith(_ARCHIVE_SUFFIX):
            downloads.extract_single(received, ready, suffix=".pdparams")
            received.unlink()
        else:
            received.replace(ready)
        try:
            read_state_dict(ready)
        except InputError as error:
            raise DownloadError("what the server sent is damaged or no network weights") from error
        write_text_atomic(_hash_file(target), f"{sha256_file(ready)}  {target.name}\n")
        ready.replace(target)
    finally:
        received.unlink(missing_ok=True)
        ready.unlink(missing_ok=True)


def _hash_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _check_unchanged(path: Path) -> None:
    """Compare with the hash kept beside the file, as ``sha256sum`` writes it, if there is one."""
    hash_file = _hash_file(path)
    if not hash_file.is_file():
        return
    known = hash_file.read_text(encoding="utf-8", errors="replace").split()
    if known[:1] != [sha256_file(path)]:
        raise InputError(
            "{file} is not what {hash_file} says: delete both to download it again.",
            file=path,
            hash_file=hash_file.name,
        )
