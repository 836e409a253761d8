"""Files of torch.save: read without running anything, damaged ones refused in a sentence."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
from damaged_files import count_refused

from core.models.torch_files import read_torch_state_dict
from core.system.errors import InputError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"int": 4}}


class Mentioned:
    """Is pickled as a class of the name."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


class Storage:
    """Stands for numbers that come after the pickles."""

    def __init__(self, key, values, kind="FloatStorage", count=None):
        self.key, self.values, self.kind = key, np.asarray(values), kind
        self.count = self.values.size if count is None else count


class Pickled:
    """A call that is made when the pickle is read."""

    def __init__(self, function, *arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state


class Writer(pickle._Pickler):
    """Writes ``Storage`` and ``Pickled`` as PyTorch does storages and tensors."""

    def persistent_id(self, item):
        if isinstance(item, Storage):
            return ("storage", Mentioned(f"torch.{item.kind}"), item.key, "cpu", item.count, None)
        return None

    def save(self, item, save_persistent_id=True):
        if isinstance(item, Mentioned):
            module, _, name = item.name.rpartition(".")
            self.write(b"c" + f"{module}\n{name}\n".encode())
        elif isinstance(item, Pickled):
            self.save(Mentioned(item.function))
            self.save(item.arguments)
            self.write(pickle.REDUCE)
            if item.state is not None:
                self.save(item.state)
                self.write(pickle.BUILD)
        else:
            super().save(item, save_persistent_id)


def tensor(storage, shape, *, offset=0, strides=None, state=None):
    if strides is None:
        strides = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
    return Pickled(
        "torch._utils._rebuild_tensor_v2",
        storage,
        offset,
        shape,
        strides,
        False,
        OrderedDict(),
        state=state,
    )


def write(path, content, storages, *, magic=MAGIC, keys=None):
    with path.open("wb") as file:
        for part in (magic, PROTOCOL, SYSTEM, content):
            Writer(file, 2).dump(part)
        Writer(file, 2).dump([one.key for one in storages] if keys is None else keys)
        for one in storages:
            file.write(struct.pack("<q", one.values.size) + one.values.tobytes())
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "权 重.pth"


def numbers(count=6):
    return Storage("7", np.arange(count, dtype="<f4"))


def test_tensors_come_back_in_their_shapes(file):
    one, two = numbers(12), Storage("8", np.array([41], "<i8"), "LongStorage")
    content = OrderedDict(
        whole=tensor(one, (3, 4)),
        part=tensor(one, (2,), offset=10),
        turned=tensor(one, (4, 3), strides=(1, 4)),
        scalar=tensor(two, ()),
        empty=tensor(one, (0, 5)),
    )
    found = read_torch_state_dict(write(file, content, [one, two]))
    whole = np.arange(12, dtype="f4").reshape(3, 4)
    np.testing.assert_array_equal(found["whole"], whole)
    np.testing.assert_array_equal(found["part"], [10, 11])
    np.testing.assert_array_equal(found["turned"], whole.T)
    assert (found["scalar"].shape, found["scalar"].item()) == ((), 41)
    assert found["empty"].shape == (0, 5)


@pytest.mark.parametrize(
    ("content", "storages"),
    [
        ({"w": tensor(numbers(), (7,))}, [numbers()]),
        ({"w": tensor(numbers(), (2,), offset=5)}, [numbers()]),
        ({"w": tensor(numbers(), (2,), offset=-1)}, [numbers()]),
        ({"w": tensor(numbers(), (3,), strides=(-1,))}, [numbers()]),
        ({"w": tensor(numbers(), (1 << 40,), strides=(0,))}, [numbers()]),  # fills the memory
        ({"w": tensor(numbers(), (3,), strides=(1, 1))}, [numbers()]),
        ({"w": tensor(None, (1,))}, []),
        ({"w": 3}, []),
        ({5: tensor(numbers(), (1,))}, [numbers()]),
        ([1, 2], []),
        # More numbers than the file has, which must not ask for their memory.
        ({"w": tensor(Storage("7", [0.0], count=1 << 50), (1,))}, [Storage("7", np.zeros(1))]),
        ({"w": tensor(Storage("7", [0.0], "ComplexStorage"), (1,))}, [Storage("7", np.zeros(1))]),
        # What was checked must not change afterwards.
        ({"w": tensor(numbers(), (2,), state={"_shape": (1 << 30,)})}, [numbers()]),
        ({"w": Pickled("os.system", "touch ran")}, []),
        ({"w": Pickled("builtins.eval", "1")}, []),
        ({"w": Pickled("torch.FloatStorage", 3)}, []),
        ({"w": Pickled("torch.load", "x")}, []),
    ],
)
def test_what_is_no_file_of_tensors_is_refused(file, monkeypatch, content, storages):
    monkeypatch.chdir(file.parent)
    write(file, content, storages)
    with pytest.raises(InputError, match=r"权 重.pth cannot be read as network weights"):
        read_torch_state_dict(file)
    assert not (file.parent / "ran").exists()


def test_lists_and_versions_must_fit(file):
    one = numbers()
    content = {"w": tensor(one, (2, 3))}
    with pytest.raises(InputError, match=r"no file of torch\.save before 1\.6"):
        read_torch_state_dict(write(file, content, [one], magic=5))
    for keys in ([], ["7", "7"], ["7", "9"], 7):
        with pytest.raises(InputError, match="not those that it lists"):
            read_torch_state_dict(write(file, content, [one], keys=keys))
    with pytest.raises(InputError, match="There is no file"):
        read_torch_state_dict(file.with_name("none.pth"))


def test_a_file_cut_short_anywhere_is_refused(file):
    one = numbers()
    whole = write(file, {"w": tensor(one, (2, 3))}, [one]).read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_torch_state_dict(file)


def test_changed_bytes_are_read_or_refused(file):
    one, two = numbers(12), Storage("8", np.array([41], "<i8"), "LongStorage")
    content = OrderedDict(w=tensor(one, (3, 4)), n=tensor(two, ()))
    write(file, content, [one, two])
    assert 20 < count_refused(file, (read_torch_state_dict,), head=len(file.read_bytes())) <= 60
