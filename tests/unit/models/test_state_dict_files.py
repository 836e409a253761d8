"""Pickles of weights that try more than holding arrays."""

from __future__ import annotations

import pickle
import pickletools
import struct
from collections import OrderedDict

import numpy as np
import pytest

from core.models import state_dict_files
from core.models.state_dict_files import read_arrays, read_state_dict
from core.system.errors import InputError


def read(tmp_path, data):
    file = tmp_path / "权 重.pdparams"
    file.write_bytes(data)
    return read_arrays(file)


def program(*parts):
    """A pickle of protocol 4 that runs ``parts``."""
    return b"\x80\x04" + b"".join(parts) + b"."


def text(value):
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def name(module, attribute):
    return text(module) + text(attribute) + b"\x93"


EMPTY_TUPLE, DICT, BUILD, REDUCE, NEWOBJ, POP = b")", b"}", b"b", b"R", b"\x81", b"0"
OS_SYSTEM = name("os", "system") + text("touch ran") + b"\x85" + REDUCE


@pytest.mark.parametrize(
    "data",
    [
        program(OS_SYSTEM),
        b"cos\nsystem\n(S'touch ran'\ntR.",
        b"(S'touch ran'\nios\nsystem\n.",
        program(name("builtins", "eval"), text("1"), b"\x85", REDUCE),
        # A dotted name would reach attributes of what is allowed.
        program(name("collections", "OrderedDict.fromkeys"), b"]", b"\x85", REDUCE),
        program(name("numpy", "ndarray.tofile")),
        program(name("numpy.core.multiarray", "scalar"), EMPTY_TUPLE, REDUCE),
        program(name("numpy", "load"), text("x"), b"\x85", REDUCE),
        program(name("core.models.state_dict_files", "_Array"), EMPTY_TUPLE, REDUCE),
        program(b"\x8a\x01\x01", b"Q"),  # persistent id
        program(b"\x82\x01"),  # extension registry
        program(DICT, text("w"), b"\x97", b"s"),  # out-of-band buffer
    ],
)
def test_nothing_can_be_called(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="cannot be read as network weights"):
        read(tmp_path, data)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "what",
    [
        name("_codecs", "encode"),
        name("numpy", "dtype"),
        name("numpy", "ndarray"),
        name("collections", "OrderedDict"),
        name("numpy.core.multiarray", "_reconstruct"),
    ],
)
def test_what_reads_a_pickle_cannot_be_changed_by_it(tmp_path, what):
    state = DICT + text("__defaults__") + b"N" + b"s"
    both = DICT + state + b"\x86"  # (dict for __dict__, dict for setattr)
    before = read(tmp_path, pickle.dumps({"w": np.arange(3.0)}))
    for change in (state, both):
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path, program(what, change, BUILD))
    after = read(tmp_path, pickle.dumps({"w": np.arange(3.0)}))
    np.testing.assert_array_equal(after["w"], before["w"])


def array_pickle(dtype, data, shape):
    """What numpy writes for an array, with parts of the caller's choice."""
    fields = (
        name("numpy.core.multiarray", "_reconstruct")
        + name("numpy", "ndarray")
        + b"K\x00\x85"
        + text("b")
        + b"\x87"
        + REDUCE
    )
    kind = name("numpy", "dtype") + text(dtype) + b"\x89\x88\x87" + REDUCE
    dimensions = b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", d) for d in shape) + b"t"
    state = b"(" + b"K\x01" + dimensions + kind + b"\x89" + data + b"t"
    return program(DICT, text("w"), fields, state, BUILD, b"s")


def bytes_(value):
    return b"B" + struct.pack("<I", len(value)) + value


def test_the_hand_made_array_is_valid(tmp_path):
    data = array_pickle("f4", bytes_(np.float32([1, 2]).tobytes()), (2,))
    np.testing.assert_array_equal(read(tmp_path, data)["w"], [1, 2])


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("O", (1,)),  # object pointers made of file content
        ("O8", (1,)),
        ("f4,O", (1,)),
        ("V8", (1,)),
        ("(2,)f4", (1,)),
        ("M8[s]", (1,)),
        ("S8", (1,)),
        ("c8", (1,)),
        ("f4", (2**40, 2**20)),
        ("f4", (-5, 2)),
        ("f4", (3,)),
    ],
)
def test_only_arrays_of_numbers_that_are_there(tmp_path, dtype, shape):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path, array_pickle(dtype, bytes_(bytes(8)), shape))


@pytest.mark.parametrize(
    "length",
    [
        b"\x8e" + struct.pack("<Q", 2**60),  # BINBYTES8
        b"\x8e" + struct.pack("<Q", 2**36),
        b"\x8d" + struct.pack("<Q", 2**60),  # BINUNICODE8
        b"\x95" + struct.pack("<Q", 2**60),  # FRAME
        b"\x8b" + struct.pack("<i", 2**31 - 1),  # LONG4
    ],
)
def test_announced_sizes_are_not_believed(tmp_path, length):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path, program(DICT, text("w"), length + b"abc", b"s"))


def test_a_memory_view_of_numbers_is_no_array(tmp_path):
    readonly = b"\x96" + struct.pack("<Q", 4) + b"abcd" + b"\x98"
    with pytest.raises(InputError, match="it holds a memoryview"):
        read_state_dict_of(tmp_path, program(DICT, text("w"), readonly, b"s"))


def read_state_dict_of(tmp_path, data):
    file = tmp_path / "w.pdparams"
    file.write_bytes(data)
    return read_state_dict(file)


def test_a_small_file_cannot_unfold_into_billions(tmp_path):
    bomb: list = [0]
    for _ in range(40):
        bomb = [bomb, bomb]
    with pytest.raises(InputError, match="more values than a network"):
        read(tmp_path, pickle.dumps({"w": bomb}))


def test_endless_nesting_is_refused(tmp_path):
    loop: list = []
    loop.append(loop)
    deep = b"]" * 100_000 + b"a" * 99_999
    for data in (pickle.dumps({"w": loop}), program(deep)):
        with pytest.raises(InputError):
            read(tmp_path, data)


@pytest.mark.parametrize(
    "key", [1, 10**5000, None, (1, 2), 2.5], ids=["one", "huge", "none", "pair", "real"]
)
def test_names_are_text(tmp_path, key):
    with pytest.raises(InputError, match="cannot be read"):
        read_state_dict_of(tmp_path, pickle.dumps({key: np.zeros(1)}))


def test_an_array_of_objects_inside_a_dictionary(tmp_path):
    content = OrderedDict(w=OrderedDict(deep=np.array([{1: 2}], dtype=object)))
    with pytest.raises(InputError, match="something else than numbers"):
        read(tmp_path, pickle.dumps(content))


def test_nested_ordered_dictionaries_are_read(tmp_path):
    content = OrderedDict(a=OrderedDict(b=np.arange(3)), c=1.5)
    for protocol in (2, 3, 4, 5):
        data = pickle.dumps(content, protocol=protocol)
        found = read(tmp_path, data)
        np.testing.assert_array_equal(found["a"]["b"], [0, 1, 2])
        assert found["c"] == 1.5


def test_a_state_dict_holds_no_nested_ones(tmp_path):
    data = pickle.dumps(OrderedDict(a=OrderedDict(b=np.arange(3))))
    with pytest.raises(InputError, match="“a” is not an array"):
        read_state_dict_of(tmp_path, data)


def test_the_allowed_names_are_these():
    """Whoever adds one must think of what it can be called with."""
    assert {attribute for (_, attribute), made in state_dict_files._FUNCTIONS.items() if made} == {
        "dtype",
        "_reconstruct",
        "_frombuffer",
        "encode",
        "OrderedDict",
        "tuple",
        "bytes",
    }


def test_the_programs_are_well_formed():
    """They are refused for what they ask, not for a slip of the pen."""
    for data in (program(OS_SYSTEM), array_pickle("f4", bytes_(bytes(8)), (2,))):
        list(pickletools.genops(data))
