"""Hash the code that a rule uses, so that a change of it makes the rule run again.

Snakemake reruns a rule when its ``params`` change. A hash of the code that a rule
really uses, given as a param, makes a change in the library rerun what depends on it,
and nothing else.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "eyewire_validator"
FOLDER = Path(__file__).parents[1]
# No Python: no import leads to them.
PARTS_OF_PAGES = (".html", ".js")
# What may have a docstring.
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def code_hash(script: Path, modules: tuple[str, ...] = ()) -> str:
    """Return 12 hex digits that change with the code of a script and what it imports.

    Follows imports of this package, also indirect ones; comments, docstrings and
    layout do not count.

    Args:
        script: the file.
        modules: further modules that it uses without an import, such as
            ``voxel_network.training``, by their names within this package.
    """
    digest = hashlib.sha256()
    named = {file for name in modules for file in _files_of(f"{PACKAGE}.{name}")}
    roots = {script, *named}
    for path in sorted(roots.union(*map(modules_behind, roots))):
        digest.update(path.name.encode() + _meaning_of(path).encode())
    return digest.hexdigest()[:12]


def page_hash(package: str) -> str:
    """Return 12 hex digits that change with what a package fills in to make a page.

    Args:
        package: its name within this package, such as ``review``.
    """
    digest = hashlib.sha256()
    for path in sorted((FOLDER / package).iterdir()):
        if path.suffix in PARTS_OF_PAGES:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def modules_behind(script: Path) -> set[Path]:
    """Return this package's files that running a script imports, also indirectly."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        imported = _imported_modules(waiting.pop()) - found
        found |= imported
        waiting += imported
    return found


@cache
def _imported_modules(path: Path) -> frozenset[Path]:
    return frozenset(
        file
        for node in imports_in(_tree(path))
        for name in _names_in(node)
        for file in _files_of(name)
    )


def imports_in(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports in a syntax tree, without those for type checkers alone."""
    for child in _parts_of(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not _is_for_type_checkers(child):
            yield from imports_in(child)


def _parts_of(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children that may hold a statement: no expression does."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _names_in(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _files_of(name: str) -> tuple[Path, ...]:
    """Return the files that importing ``name`` runs, where they are this package's."""
    if name == PACKAGE:
        return (FOLDER / "__init__.py",)
    outer, _, last = name.rpartition(".")
    before = _files_of(outer) if outer else ()
    if not before:
        return ()
    place = FOLDER.joinpath(*name.split(".")[1:])
    own = (place.with_name(f"{last}.py"), place / "__init__.py")
    return (*before, *filter(Path.is_file, own))


@cache
def _meaning_of(path: Path) -> str:
    return ast.dump(_tree(path))


@cache
def _tree(path: Path) -> ast.Module:
    """Return the syntax tree without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, DOCUMENTED) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
        waiting += _parts_of(node)
    return tree
