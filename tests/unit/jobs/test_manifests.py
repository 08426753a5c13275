"""Manifests against files that changed after they were made."""

import subprocess
from pathlib import Path

import pytest

from eyewire_validator.errors import FileError
from eyewire_validator.jobs.manifests import (
    add_to_manifest,
    check_folder,
    keep_intact,
    manifests_of_jobs,
    require_intact,
    require_none,
    to_text,
    write_manifest,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two files, a.bin and deep/b.bin, and their manifest."""
    monkeypatch.chdir(tmp_path)
    for name in ("made/a.bin", "made/deep/b.bin"):
        Path(name).parent.mkdir(exist_ok=True, parents=True)
        Path(name).write_bytes(name.encode())
    write_manifest(MANIFEST, [Path("made/a.bin"), Path("made/deep/b.bin")])
    return Path("made")


MANIFEST = Path("logs/job.sha256")


def flip(path, bit=0):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def findings(folder, *manifests, ignored=()):
    found = check_folder(folder, manifests or [MANIFEST], ignored)
    return [(str(finding.file), finding.what) for finding in found]


def test_what_nobody_touched_is_as_it_was_made(folder):
    assert findings(folder) == []


def test_sha256sum_reads_a_manifest(folder):
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", MANIFEST], capture_output=True, check=True
    )
    assert checked.stdout == b"made/a.bin: OK\nmade/deep/b.bin: OK\n"


@pytest.mark.parametrize("bit", [0, 50, 8 * len("made/a.bin") - 1])
def test_a_flipped_bit_is_found_and_named(folder, bit):
    flip(folder / "a.bin", bit)
    (finding,) = check_folder(folder, [MANIFEST])
    assert finding == (folder / "a.bin", "is not as it was made", (MANIFEST,))


def test_a_flipped_bit_anywhere_in_a_manifest_is_found(folder):
    for bit in range(0, 8 * MANIFEST.stat().st_size, 7):
        flip(MANIFEST, bit)
        assert findings(folder), bit
        flip(MANIFEST, bit)
    assert findings(folder) == []


def test_a_missing_file_is_named(folder):
    (folder / "a.bin").unlink()
    assert findings(folder) == [("made/a.bin", "is missing")]


def test_a_missing_manifest_is_named(folder):
    missing = Path("logs/none.sha256")
    assert findings(folder, MANIFEST, missing) == [(str(missing), "line 1 is damaged")]


def test_a_file_of_no_manifest_is_named_unless_hidden_or_ignored(folder):
    (folder / ".a.tmp").touch()
    (folder / "more").mkdir()
    (folder / "more" / "c.bin").touch()
    no_manifest = "is in no manifest of a finished job"
    assert findings(folder) == [("made/more/c.bin", no_manifest)]
    assert findings(folder, ignored=[folder / "more"]) == []


def test_one_of_two_manifests_is_enough(folder):
    later = Path("logs/later.sha256")
    (folder / "a.bin").write_bytes(b"by another job")
    write_manifest(later, [folder / "a.bin"])
    assert findings(folder, MANIFEST, later) == []


def test_where_no_job_left_hashes_nothing_is_said_to_be_well(tmp_path):
    with pytest.raises(FileError, match="no finished job left hashes here"):
        manifests_of_jobs(tmp_path)
    (tmp_path / "rule").mkdir()
    (tmp_path / "rule/job.sha256").touch()
    assert manifests_of_jobs(tmp_path) == [tmp_path / "rule/job.sha256"]


def test_a_folder_stands_for_its_files_and_what_has_a_name_comes_first(folder):
    write_manifest(MANIFEST, [folder / "deep", folder / "a.bin"])
    names = [line.split("  ")[1] for line in MANIFEST.read_text().splitlines()]
    assert names == ["made/a.bin", "made/deep/b.bin"]


@pytest.fixture
def own(folder):
    """The same folder with a manifest in it, by names below the folder."""
    for name in ("a.bin", "deep/b.bin"):
        add_to_manifest(OWN, name, (folder / name).read_bytes())
    return folder


OWN = Path("made/files.sha256")


def test_a_folder_with_its_own_manifest_may_be_moved(own):
    moved = own.rename("moved")
    require_intact(moved / OWN.name)
    flip(moved / "deep" / "b.bin")
    with pytest.raises(
        FileError, match=r"deep/b\.bin: is not as .*; delete its folder"
    ):
        require_intact(moved / OWN.name)


def test_files_that_are_intact_are_kept_and_the_others_are_forgotten(own):
    assert keep_intact(OWN) == {"a.bin", "deep/b.bin"}
    flip(own / "a.bin")
    assert keep_intact(OWN) == {"deep/b.bin"}
    flip(own / "a.bin")
    assert keep_intact(OWN) == {"deep/b.bin"}
    (own / "deep" / "b.bin").unlink()
    assert keep_intact(OWN) == set()


def test_a_line_that_was_cut_costs_no_other(own):
    content = OWN.read_bytes()
    OWN.write_bytes(content[:-3])
    assert keep_intact(OWN) == {"a.bin"}
    add_to_manifest(OWN, "deep/b.bin", (own / "deep" / "b.bin").read_bytes())
    assert OWN.read_bytes() == content


def test_the_advice_asks_for_what_the_job_promised(folder):
    flip(folder / "deep" / "b.bin")
    text = to_text(list(check_folder(folder, [MANIFEST])), jobs=1)
    assert text.splitlines() == [
        "made/deep/b.bin: is not as it was made (logs/job.sha256)",
        "to make all of it again: --forcerun made/a.bin",
    ]


def test_without_findings_there_is_nothing_to_do():
    assert to_text([], jobs=7) == "what 7 jobs made: all is as it was made"
    require_none([])
