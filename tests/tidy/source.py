"""Reading our own source: files, parsed trees and the few questions rules ask of them.

Kept apart from the rules, so that a rule is about what is forbidden, not about syntax trees.
"""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: ``path`` relative to the project, with ``/``."""

    path: str
    text: str
    tree: ast.Module

    @property
    def is_package_code(self) -> bool:
        """Whether it ships."""
        return self.path.startswith("src/")


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place, in a sentence that says what to do."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def parse(path: str, text: str) -> Source:
    """A source from text; rules' self-tests use it on bad snippets."""
    return Source(path=path, text=text, tree=ast.parse(text))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file under the folders, sorted by path."""
    found = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    gc.disable()  # the trees stay: looking through them for garbage takes longer than all the rules
    try:
        return tuple(_read(file) for file in found)
    finally:
        gc.freeze()
        gc.enable()


@cache
def _read(file: Path) -> Source:
    """Parsed once, whatever folders it is asked for with."""
    return parse(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))


def package() -> tuple[Source, ...]:
    """Everything that ships."""
    return sources("src")


def everything() -> tuple[Source, ...]:
    """Everything we wrote in Python."""
    return sources("scripts", "src", "tests")


def excused(path: str, table: Mapping[str, str]) -> bool:
    """Whether a table names the file, or the start of its path (a row ending in ``/`` or ``*``)."""
    return any(
        path == row or (row[-1] in "/*" and path.startswith(row.rstrip("*"))) for row in table
    )


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Every node below, walked once: many rules look at the same trees."""
    return tuple(ast.walk(tree))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Full dotted names of imported modules and members, with their line."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Modules that are imported (``from a.b import c`` gives ``a.b``), with their line."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node.lineno


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name the author chose or used, imports apart, with its line."""
    for node in nodes(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.Name():
                yield node.id, node.lineno
            case ast.Attribute():
                yield node.attr, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.value.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case _:
                pass


def strings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every string constant that is not a docstring, with its line."""
    documents = {
        id(node.value)
        for node in nodes(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documents:
                yield text, node.lineno
            case _:
                pass


def words(identifier: str) -> list[str]:
    """The lower-case words of a snake_case or CamelCase identifier."""
    return re.findall(r"[a-z]+|[0-9]+", re.sub(r"([A-Z]+)", r"_\1", identifier).lower())


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name it has after undoing import aliases ("" if it has none)."""
    alias = aliases(tree)
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func, alias), node


@cache
def aliases(tree: ast.AST) -> dict[str, str]:
    """Local name -> full dotted name, for everything imported anywhere in the file."""
    found: dict[str, str] = {}
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                top = name.name.partition(".")[0]
                found[name.asname or top] = name.name if name.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def dotted(node: ast.AST, alias: Mapping[str, str]) -> str:
    """``a.b.c`` of an attribute chain, its first part resolved; "" for other expressions."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(alias.get(node.id, node.id))
    return ".".join(reversed(parts))
