"""Tokens in files, and addresses."""

from __future__ import annotations

import pytest

from core.serve.service_settings import (
    ServiceSettings,
    is_loopback,
    is_open_to_others,
    read_token,
)
from core.system.errors import InputError


def test_a_token_is_one_line(tmp_path):
    file = tmp_path / "token"
    file.write_bytes(b"  a1-b2_c3.d4~+/==\r\n")
    assert read_token(file) == "a1-b2_c3.d4~+/=="


@pytest.mark.parametrize(
    "content",
    [b"", b"\n \n", b"two words", b"two\nlines", "schlüssel".encode(), b"a\0b", b"x" * 5000],
)
def test_what_is_no_token_is_refused(tmp_path, content):
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(InputError, match="holds no token"):
        read_token(file)


def test_a_token_file_that_is_missing(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_token(tmp_path / "missing")
    with pytest.raises(InputError, match="cannot be read"):
        read_token(tmp_path)


def test_files_that_others_may_read(tmp_path):
    file = tmp_path / "token"
    file.write_text("secret", encoding="ascii")
    file.chmod(0o600)
    assert not is_open_to_others(file)
    file.chmod(0o640)
    assert not is_open_to_others(file)
    file.chmod(0o644)
    assert is_open_to_others(file)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1"])
def test_addresses_of_this_machine(host):
    assert is_loopback(host)
    assert ServiceSettings(host=host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.com", "", "127.0.0.1.x"])
def test_addresses_that_others_reach(host):
    assert not is_loopback(host)
