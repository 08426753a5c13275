import pytest

from eyewire_validator.jobs import code_hash as hashing
from eyewire_validator.jobs.code_hash import code_hash, page_hash
from eyewire_validator.storage.hashes import settings_hash


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A script that imports module a of a package, which imports b; c is apart."""
    folder = tmp_path / hashing.PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text("from eyewire_validator.b import value\n")
    (folder / "b.py").write_text('"""Docs."""\nvalue = 1\n')
    (folder / "c.py").write_text("value = 3\n")
    (tmp_path / "script.py").write_text("import eyewire_validator.a\n")
    monkeypatch.setattr(hashing, "FOLDER", folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    for cached in (code_hash, hashing._imported_modules, hashing._files_of,
                   hashing._tree, hashing._meaning_of):  # fmt: skip
        cached.cache_clear()


def hash_after(package, module: str, text: str) -> str:
    forget()
    (package / module).write_text(text)
    return code_hash(package.parent / "script.py")


def test_the_code_hash_follows_indirect_imports(package):
    before = code_hash(package.parent / "script.py")
    assert hash_after(package, "b.py", '"""Docs."""\nvalue = 2\n') != before


def test_comments_docstrings_and_other_modules_do_not_count(package):
    before = code_hash(package.parent / "script.py")
    assert hash_after(package, "b.py", "# Why.\nvalue   = 1\n") == before
    assert hash_after(package, "c.py", "value = 4\n") == before


def test_imports_for_type_checkers_alone_do_not_count(package):
    text = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from eyewire_validator.c import value\n"
    )
    before = hash_after(package, "a.py", text)
    assert hash_after(package, "c.py", "value = 4\n") == before


def test_modules_that_are_named_count(package):
    script = package.parent / "script.py"
    before = code_hash(script, ("c",))
    assert before != code_hash(script)
    hash_after(package, "c.py", "value = 4\n")
    assert code_hash(script, ("c",)) != before


def test_the_hash_of_a_page_follows_its_template_and_script(package):
    for name in ("page.html", "page.js"):
        (package / name).write_text("before")
    found = {page_hash(".")}
    for name in ("page.html", "page.js"):
        (package / name).write_text("after")
        found.add(page_hash("."))
    (package / "c.py").write_text("value = 4\n")
    assert page_hash(".") in found
    assert len(found) == 3


def test_the_settings_hash_ignores_order():
    assert settings_hash({"a": 1, "b": [2]}) == settings_hash({"b": [2], "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})
