"""Tests for knowing files by their content."""

import os

import pytest

from eyewire_validator.storage import content
from eyewire_validator.storage.content import content_of


@pytest.fixture
def block(tmp_path):
    file = tmp_path / "block.npz"
    file.write_bytes(b"one")
    return file


def test_a_file_moved_over_another_is_seen_whatever_its_date(tmp_path, block):
    memory = tmp_path / "contents.json"
    before = content_of([str(block)], memory)
    other = tmp_path / "other.npz"
    other.write_bytes(b"two")
    os.utime(other, ns=(0, block.stat().st_mtime_ns))
    other.replace(block)
    assert content_of([str(block)], memory) != before


def test_what_did_not_change_is_hashed_once(tmp_path, block, monkeypatch):
    memory = tmp_path / "contents.json"
    before = content_of([str(block)], memory)
    monkeypatch.setattr(content, "file_hash", None)
    assert content_of([str(block)], memory) == before


def test_a_date_alone_changes_nothing(tmp_path, block):
    memory = tmp_path / "contents.json"
    before = content_of([str(block)], memory)
    os.utime(block)
    assert content_of([str(block)], memory) == before


@pytest.mark.parametrize("memory", ["", "[]", "no JSON"])
def test_a_damaged_memory_is_made_anew(tmp_path, block, memory):
    file = tmp_path / "contents.json"
    file.write_text(memory)
    assert list(content_of([str(block), "missing.npz"], file)) == [str(block)]
    assert '"sha256"' in file.read_text()
