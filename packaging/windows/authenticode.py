"""Signatures of Windows' executables: those of others are checked, ours are made by a hook.

Both by osslsigncode, which runs everywhere.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DIGEST = re.compile(r"^(Current|Calculated) message digest\s*:\s*([0-9A-F]{40,128})\b", re.M)
_SUBJECT = re.compile(r"^\s*Subject\s*: (?P<subject>.+)$", re.M)
INPUT, OUTPUT = "{input}", "{output}"


class SignatureError(Exception):
    """A file is not signed, was changed afterwards, or was signed by somebody else."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a file's signature says.

    Attributes:
        signer: the certificate's subject, such as ``/C=US/O=Python Software Foundation``.
        digest: of the file, as signed; in hexadecimal.
    """

    signer: str
    digest: str

    @property
    def organization(self) -> str | None:
        """The ``O=`` of the signer."""
        found = re.search(r"(?:^|[/,])\s*O\s*=\s*([^/,]+)", self.signer)
        return found[1].strip() if found else None


def read_signature(path: Path, *, authorities: Path | None = None) -> Signature:
    """Return a file's signature if the file is what was signed.

    Args:
        path: an executable or library.
        authorities: certificates (PEM) that must vouch for the signer; None: who signed is not
            asked, only that the content and the digest beside it belong together.

    Raises:
        SignatureError: it has none, its content is not what was signed, or nobody among the
            authorities vouches for the signer.
    """
    # Neither lists of revoked certificates nor time stamps: a build needs no network for this.
    asked = ["verify", "-ignore-cdp", "-ignore-crl", "-in", str(path)]
    if authorities is not None:
        asked += ["-CAfile", str(authorities), "-TSA-CAfile", str(authorities)]
    done = _run(asked)
    signature = parse_answer(done.stdout, name=path.name)
    if authorities is not None and done.returncode:
        raise SignatureError(f"nobody vouches for who signed {path.name}: {signature.signer}")
    return signature


def parse_answer(answer: str, *, name: str) -> Signature:
    """Return what ``osslsigncode verify`` printed; raises ``SignatureError`` as above."""
    digests: dict[str, str] = {}
    for kind, digest in _DIGEST.findall(answer):
        digests.setdefault(kind, digest)
    if set(digests) != {"Current", "Calculated"}:
        raise SignatureError(f"{name} is not signed")
    if digests["Current"] != digests["Calculated"]:
        raise SignatureError(f"{name} is not what was signed")
    subject = _SUBJECT.search(answer)
    if subject is None:
        raise SignatureError(f"{name} does not say who signed it")
    return Signature(subject["subject"].strip(), digests["Current"])


def check_signed_by(
    paths: Sequence[Path], organization: str, *, authorities: Path | None = None
) -> None:
    """Raise ``SignatureError`` unless each file is what ``organization`` signed.

    ``authorities`` as for ``read_signature``; without them the name is only what the file says.
    """
    for path in paths:
        found = read_signature(path, authorities=authorities).organization
        if found != organization:
            raise SignatureError(f"{path.name} was signed by {found}, not by {organization}")


class Signer:
    """Signs files by a command that the packager gives.

    Args:
        command: program and arguments in one line, quoted as for a shell, in which ``{input}``
            and ``{output}`` stand for the files: an osslsigncode call, or whatever asks the
            company's signing service.

    Raises:
        ValueError: ``{input}`` or ``{output}`` is missing.
    """

    def __init__(self, command: str) -> None:
        self._arguments = shlex.split(command)
        self.command = command
        for place in (INPUT, OUTPUT):
            if not any(place in argument for argument in self._arguments):
                raise ValueError(f"the signing command has no {place}: {command}")

    def sign(self, path: Path) -> Signature:
        """Sign a file in place.

        Raises:
            SignatureError: the command failed, or what it wrote is not signed.
        """
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            signed = Path(folder) / path.name
            filled = [
                argument.replace(INPUT, str(path)).replace(OUTPUT, str(signed))
                for argument in self._arguments
            ]
            done = subprocess.run(filled, capture_output=True, text=True, check=False)
            if done.returncode or not signed.is_file():
                said = (done.stderr or done.stdout).strip()
                raise SignatureError(f"{path.name} could not be signed: {said}")
            signature = read_signature(signed)
            signed.chmod(path.stat().st_mode & 0o777)
            signed.replace(path)
        return signature


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which("osslsigncode")
    if program is None:
        raise SignatureError("osslsigncode is not installed (Debian: apt-get install osslsigncode)")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, errors="replace", check=False
    )
