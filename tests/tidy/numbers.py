"""The numbers to hold: lengths, nesting, positional parameters.

They are examples of what stays readable for a trader who knows Python, not laws of nature; but a
number that is not tested is not held. Docstrings do not count towards a function or class.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.tidy import tables
from tests.tidy.source import Finding, Function, Source, functions, nodes

Findings = Iterator[Finding]


def long_file(sources: Iterable[Source]) -> Findings:
    """Files longer than the limit."""
    for source in sources:
        lines = len(source.text.splitlines())
        if lines > tables.FILE_LINES_MAX:
            text = f"{lines} lines, limit {tables.FILE_LINES_MAX}: split it by subject"
            yield Finding(source.path, lines, text)


def long_function(sources: Iterable[Source]) -> Findings:
    """Functions longer than the limit."""
    for source in sources:
        for function in functions(source.tree):
            lines = length(function)
            if lines > tables.FUNCTION_LINES_MAX:
                text = f"{function.name} has {lines} lines, limit {tables.FUNCTION_LINES_MAX}"
                yield Finding(source.path, function.lineno, text)


def long_class(sources: Iterable[Source]) -> Findings:
    """Classes longer than the limit."""
    for source in sources:
        for node in nodes(source.tree):
            if isinstance(node, ast.ClassDef) and length(node) > tables.CLASS_LINES_MAX:
                text = f"{node.name} has {length(node)} lines, limit {tables.CLASS_LINES_MAX}"
                yield Finding(source.path, node.lineno, text)


def deep_function(sources: Iterable[Source]) -> Findings:
    """Functions nested deeper than the limit."""
    for source in sources:
        for function in functions(source.tree):
            depth = nesting(function.body)
            if depth > tables.NESTING_MAX:
                text = f"{function.name} nests {depth} deep, limit {tables.NESTING_MAX}"
                yield Finding(source.path, function.lineno, text)


def many_positional(sources: Iterable[Source]) -> Findings:
    """Functions that take more positional parameters than a reader can tell apart.

    Tests are free: pytest passes fixtures by name.
    """
    for source in sources:
        if source.path.startswith("tests/"):
            continue
        for function in functions(source.tree):
            count = positional(function)
            fixed = (source.path, function.name) in tables.FIXED_SIGNATURES
            if count > tables.POSITIONAL_MAX and not fixed:
                text = f"{function.name} takes {count} positional parameters; make them keywords"
                yield Finding(source.path, function.lineno, text)


def length(node: Function | ast.ClassDef) -> int:
    """Lines from the head to the end, docstring not counted."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def positional(function: Function) -> int:
    """Parameters that may be given by position, ``self`` and ``cls`` not counted."""
    names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def nesting(body: list[ast.stmt]) -> int:
    """How deep control blocks stand in each other; ``elif`` and ``case`` add nothing."""
    return max((_depth(statement) for statement in body), default=0)


def _depth(node: ast.stmt) -> int:
    match node:
        case ast.If():
            return max(1 + nesting(node.body), _branch(node.orelse))
        case ast.For() | ast.AsyncFor() | ast.While():
            return 1 + max(nesting(node.body), nesting(node.orelse))
        case ast.With() | ast.AsyncWith():
            return 1 + nesting(node.body)
        case ast.Try() | ast.TryStar():
            parts = [node.body, node.orelse, node.finalbody]
            parts += [handler.body for handler in node.handlers]
            return 1 + max(nesting(part) for part in parts)
        case ast.Match():
            return 1 + max(nesting(case.body) for case in node.cases)
        case _:
            return 0  # a nested function is measured on its own


def _branch(orelse: list[ast.stmt]) -> int:
    if not orelse:
        return 0
    if len(orelse) == 1 and isinstance(orelse[0], ast.If):
        return _depth(orelse[0])
    return 1 + nesting(orelse)
