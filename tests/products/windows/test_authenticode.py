"""Signatures: read as osslsigncode tells them, made by the packager's command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from windows.authenticode import (
    SignatureError,
    Signer,
    check_signed_by,
    parse_answer,
    read_signature,
)

ANSWER = """\
Current message digest    : {current}
Calculated message digest : {calculated}

Signer's certificate:
\tSigner #0:
\t\tSubject: /C=US/ST=Oregon/O=Python Software Foundation/CN=Python Software Foundation
\t\tIssuer : /C=US/O=DigiCert, Inc./CN=DigiCert Trusted G4
"""
DIGEST = "0C703A2A18FFAFA079E0372841FF21755074DB60305CC8BA27A8A822E96AEEDE"
COMPILER = "x86_64-w64-mingw32-gcc"

needs_tools = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("osslsigncode", "openssl", COMPILER)),
    reason="needs osslsigncode, openssl and MinGW's compiler",
)


def test_what_is_told() -> None:
    signature = parse_answer(ANSWER.format(current=DIGEST, calculated=DIGEST), name="python.exe")
    assert signature.digest == DIGEST
    assert signature.organization == "Python Software Foundation"


def test_changed_after_signing() -> None:
    other = DIGEST.replace("0", "1") + "    MISMATCH!!!"
    with pytest.raises(SignatureError, match=r"python\.exe is not what was signed"):
        parse_answer(ANSWER.format(current=DIGEST, calculated=other), name="python.exe")


@pytest.mark.parametrize(
    "answer", ["", "No signature found.\n", f"Current message digest : {DIGEST}"]
)
def test_not_signed(answer: str) -> None:
    with pytest.raises(SignatureError, match="is not signed"):
        parse_answer(answer, name="python.exe")


@pytest.mark.parametrize("command", ["sign", "sign {input}", "sign {output}"])
def test_a_command_names_both_files(command: str) -> None:
    with pytest.raises(ValueError, match="has no"):
        Signer(command)


@pytest.fixture
def executable(tmp_path: Path) -> Path:
    source = tmp_path / "one.c"
    source.write_text("int main(void) { return 0; }")
    path = tmp_path / "有 空格.exe"
    subprocess.run([COMPILER, "-o", str(path), str(source)], check=True)
    return path


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "own.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
            *("-subj", "/O=Own Works/CN=Own Works", "-addext", "extendedKeyUsage=codeSigning"),
            *("-keyout", str(path.with_suffix(".key")), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    return path


@needs_tools
def test_signed_by_a_certificate_of_ones_own(executable: Path, certificate: Path) -> None:
    with pytest.raises(SignatureError, match="is not signed"):
        read_signature(executable)
    key = certificate.with_suffix(".key")
    command = f"osslsigncode sign -certs '{certificate}' -key '{key}' -h sha256"
    Signer(command + " -in {input} -out {output}").sign(executable)

    check_signed_by([executable], "Own Works", authorities=certificate)
    with pytest.raises(SignatureError, match="signed by Own Works, not by Another"):
        check_signed_by([executable], "Another")
    with pytest.raises(SignatureError, match="nobody vouches"):
        read_signature(executable, authorities=Path("/etc/ssl/certs/ca-certificates.crt"))

    content = bytearray(executable.read_bytes())
    content[0x400] ^= 1
    executable.write_bytes(content)
    with pytest.raises(SignatureError, match="is not what was signed"):
        read_signature(executable)


@needs_tools
@pytest.mark.parametrize("command", ["false {input} {output}", "cp {input} {output}"])
def test_a_command_that_does_not_sign(executable: Path, command: str) -> None:
    before = executable.read_bytes()
    with pytest.raises(SignatureError):
        Signer(command).sign(executable)
    assert executable.read_bytes() == before
