import lzma

import numpy as np
import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.storage.files import (
    PIECE,
    atomic_path,
    decompress,
    read_array,
    read_json,
    read_packed_json,
    write_array,
    write_json,
    write_packed_json,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "value.json"
    write_json(target, 1)

    def write_badly() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_badly()
    assert read_json(target) == 1
    assert list(tmp_path.iterdir()) == [target]


def test_arrays_come_back(tmp_path):
    array = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    write_array(tmp_path / "array.lzma", array)
    again = read_array(tmp_path / "array.lzma", (2, 3, 4), np.uint16)
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-9], "cut short"),
        (lambda content: content + b"x", "1 bytes follow"),
        (lambda content: b"no lzma at all", "not lzma data"),
        (lambda content: lzma.compress(bytes(49)), "more than the expected 48"),
        (lambda content: lzma.compress(bytes(47)), "47 bytes, expected 48"),
    ],
)
def test_damaged_arrays_are_refused(tmp_path, damage, message):
    path = tmp_path / "array.lzma"
    write_array(path, np.zeros((2, 3, 4), np.uint16))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match=message):
        read_array(path, (2, 3, 4), np.uint16)


def test_packed_json_comes_back_whole_or_not_at_all(tmp_path):
    file = tmp_path / "replies.json.xz"
    write_packed_json(file, [{"reply": {"weight": 0.1}}])
    assert read_packed_json(file) == [{"reply": {"weight": 0.1}}]
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(FileError, match=r"replies.json.xz: damaged .*delete it and"):
        read_packed_json(file)
    file.unlink()
    with pytest.raises(FileError, match="no such file"):
        read_packed_json(file)


@pytest.mark.parametrize("container", [lzma.FORMAT_ALONE, lzma.FORMAT_XZ])
def test_both_containers_are_read(container):
    assert decompress(lzma.compress(b"abc", container), 3) == b"abc"


def test_lzma_alone_cut_short_is_refused():
    packed = lzma.compress(bytes(range(256)) * 40, lzma.FORMAT_ALONE)
    with pytest.raises(FileError, match="cut short"):
        decompress(packed[:-20], 256 * 40)


def test_content_of_many_pieces_comes_back_whole():
    content = np.random.default_rng(2).bytes(3 * PIECE + 5)
    unpacked = decompress(lzma.compress(content), len(content))
    assert unpacked == content
    assert unpacked.readonly


@pytest.mark.parametrize("length", [2 * PIECE, 9 * PIECE])
def test_too_much_content_of_many_pieces_is_refused(length):
    with pytest.raises(FileError, match="more than the expected"):
        decompress(lzma.compress(bytes(length)), PIECE)
