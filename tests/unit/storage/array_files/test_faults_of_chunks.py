"""What can go wrong with chunks: refused by name, or exactly the right voxels.

Never a voxel that is zero, or another, without a word.
"""

import json
import shutil
from itertools import islice

import chunked_arrays as write
import numpy as np
import pytest
from chunked_arrays import LABELS, PICTURES
from file_server import HTML, XML, served

from eyewire_validator.errors import FileError
from eyewire_validator.storage.array_files import Access, open_array

FORMS = {name.replace(" ", "_"): form for name, form in (LABELS | PICTURES).items()}
IDS = write.labels((12, 10, 9))
GREY = np.random.default_rng(1).integers(1, 256, (12, 10, 9)).astype(np.uint8)
QUICK = Access(retries=0, time_limit_s=0.4, rate=1e9)
METADATA = ("info", "zarr.json", ".zarray", ".zattrs", ".zgroup", "attributes.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name, form in FORMS.items():
        form[1](folder / name, IDS if form in LABELS.values() else GREY)
    return folder


@pytest.fixture(scope="module")
def expected(whole):
    """What is read when all is well: the ids, and what JPEG keeps of the picture."""
    return {
        name: open_array(f"{form}://{whole / name}").read()
        for name, (form, _) in FORMS.items()
    }


def chunks(folder):
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name not in METADATA
    )


def metadata(folder):
    """Return the file that says the dtype."""
    return next(
        path
        for name in ("info", ".zarray", "attributes.json", "s0/zarr.json")
        for path in folder.rglob(name)
        if path.parent.name == "s0" or name == "info"
    )


def cut(share):
    def change(path):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return change


def replaced_by(content):
    return lambda path: path.write_bytes(content)


def grown(path):
    path.write_bytes(path.read_bytes() + bytes(7))


CHUNK_FAULTS = {
    "missing": lambda path: path.unlink(),
    "empty": replaced_by(b""),
    "one byte": replaced_by(b"\0"),
    "cut at a half": cut(0.5),
    "cut at nine tenths": cut(0.9),
    "zeros": replaced_by(bytes(40)),
    "garbage": replaced_by(np.random.default_rng(2).bytes(333)),
    "HTML": replaced_by(HTML),
    "XML": replaced_by(XML),
    "grown": grown,
}
WIRE_FAULTS = ("404", "403", "503", "html", "stall", "short", "close")


def change_of(path, *pairs):
    """Replace parts of a text of metadata; at least one of them is there."""
    text = json.dumps(json.loads(path.read_text()), separators=(",", ":"))
    new = text
    for old, other in pairs:
        new = new.replace(old, other)
    assert new != text
    path.write_text(new)


def other_dtype(folder):
    # Of compressed_segmentation, nobody sees 32 bits where 64 are meant.
    is_packed = "compressed_segmentation" in metadata(folder).read_text()
    change_of(
        metadata(folder),
        ('"uint64"', '"uint16"' if is_packed else '"uint32"'),
        ('"<u8"', '"<u4"'),
        ('"uint8"', '"uint16"'),
    )


def unknown_dtype(folder):
    change_of(
        metadata(folder), ('"uint64"', '"text"'), ('"<u8"', '"|O"'), ('"uint8"', '"a"')
    )


def larger(folder):
    change_of(metadata(folder), ("[12", "[21"), (",12", ",21"))


def no_json(folder):
    metadata(folder).write_bytes(HTML)


def cut_json(folder):
    cut(0.6)(metadata(folder))


def empty_json(folder):
    metadata(folder).write_text("{}")


def a_list(folder):
    metadata(folder).write_text("[]")


def smaller_chunks(folder):
    change_of(metadata(folder), ("8,8,8]", "8,8,4]"))


METADATA_FAULTS = (
    other_dtype, unknown_dtype, larger, no_json, cut_json, empty_json, a_list,
    smaller_chunks,
)  # fmt: skip


def refused_or_right(source, expected, access=QUICK):
    try:
        found = open_array(source, access=access).read()
    except FileError as error:
        said = str(error)
    else:
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
        return "right"
    assert "\n" not in said
    assert len(said) < 600
    return "refused"


@pytest.mark.parametrize("fault", CHUNK_FAULTS)
@pytest.mark.parametrize("name", FORMS)
def test_a_chunk(name, fault, whole, expected, tmp_path):
    shutil.copytree(whole / name, tmp_path / "a")
    for path in islice(chunks(tmp_path / "a"), 1):
        CHUNK_FAULTS[fault](path)
    end = refused_or_right(f"{FORMS[name][0]}://{tmp_path}/a", expected[name])
    assert end == "refused" or fault in ("grown", "cut at nine tenths")


@pytest.mark.parametrize("fault", METADATA_FAULTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FORMS)
def test_the_metadata(name, fault, whole, expected, tmp_path):
    shutil.copytree(whole / name, tmp_path / "a")
    fault(tmp_path / "a")
    end = refused_or_right(f"{FORMS[name][0]}://{tmp_path}/a", expected[name])
    assert end == "refused"


@pytest.mark.parametrize(
    "name", [name for name in FORMS if "sharded" not in name and "pre" in name]
)
def test_a_wrong_offset(name, whole, expected, tmp_path):
    # In the names of chunks, but not of shards.
    shutil.copytree(whole / name, tmp_path / "a")
    change_of(tmp_path / "a" / "info", ("[1,2,3]", "[1,2,4]"))
    source = f"precomputed://{tmp_path}/a"
    assert refused_or_right(source, expected[name]) == "refused"


@pytest.fixture(scope="module")
def server(whole):
    with served(whole) as server:
        yield server


@pytest.mark.parametrize("name", FORMS)
def test_the_wire_without_faults(name, expected, server):
    server.faults = {}
    source = f"{FORMS[name][0]}://{server.url}/{name}"
    assert refused_or_right(source, expected[name], Access(rate=1e9)) == "right"


@pytest.mark.parametrize("fault", WIRE_FAULTS)
@pytest.mark.parametrize("name", FORMS)
def test_the_wire(name, fault, whole, expected, server):
    source = f"{FORMS[name][0]}://{server.url}/{name}"
    for path in (metadata(whole / name), chunks(whole / name)[-1]):
        server.faults = {f"/{path.relative_to(whole)}": fault}
        assert refused_or_right(source, expected[name]) == "refused"


def test_these_are_more_than_200_cases():
    chunk, wire = len(CHUNK_FAULTS), 2 * len(WIRE_FAULTS)
    assert len(FORMS) * (chunk + wire + len(METADATA_FAULTS)) > 200
