"""What the source of a test says about it: whether it asserts, which exceptions it expects."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RAISES = frozenset({"raises", "assertRaises", "assertRaisesRegex"})
# Part of a name that says that a function checks something.
_CHECKS = ("assert", "check", "verify", "expect", "ensure", "should", "raises", "fail", "validate")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is written in one test."""

    asserts: bool = True  # also where the source cannot be read: nothing is held against it
    expects: tuple[str, ...] = ()  # last part of the names after `raises`


def read_facts(path: Path, first_line: int) -> SourceFacts:
    """Return the facts of the function that begins at a line, decorators included."""
    tree = _parse(path)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, _Function) and _first_line(node) == first_line:
            return SourceFacts(
                asserts=any(map(_is_check, ast.walk(node))),
                expects=tuple(dict.fromkeys(_expected(node))),
            )
    return SourceFacts()


def find_handler(path: Path, line: int) -> str | None:
    """Return `line (except X)` of what catches an exception raised in a line, as far as written.

    It is the innermost `try` or `with` around the line.
    """
    tree = _parse(path)
    found: tuple[int, str] | None = None
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Try | ast.With | ast.AsyncWith):
            continue
        starts, ends = node.body[0].lineno, node.body[-1].end_lineno or 0
        if starts <= line <= ends and (found is None or node.lineno >= found[0]):
            told = _told(node)
            found = (node.lineno, told) if told else found
    return None if found is None else found[1]


def _told(node: ast.Try | ast.With | ast.AsyncWith) -> str | None:
    if isinstance(node, ast.Try):
        if not node.handlers:
            return None
        handler = node.handlers[0]
        kind = "" if handler.type is None else f" {ast.unparse(handler.type)}"
        return f"{handler.lineno} (except{kind})"
    for item in node.items:
        if isinstance(item.context_expr, ast.Call):
            name = _name(item.context_expr.func)
            if name in _RAISES or name == "suppress":
                return f"{node.lineno} (with {name})"
    return None


def _expected(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _name(node.func) in _RAISES and node.args:
            kinds = node.args[0]
            for kind in kinds.elts if isinstance(kinds, ast.Tuple) else (kinds,):
                yield _name(kind)


def _is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert | ast.Raise):
        return True
    return isinstance(node, ast.Call) and any(word in _name(node.func).lower() for word in _CHECKS)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _first_line(node: _Function) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


@functools.cache
def _parse(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
