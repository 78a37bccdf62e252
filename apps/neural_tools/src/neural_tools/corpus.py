"""Files become chunks: one function or method each.

`read_tree` parses Python files with tree-sitter, which finds the functions of a file even where the
file has syntax errors. `read_jsonl` reads corpora that were cut into chunks before.
"""

import hashlib
import io
import json
import os
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from neural_tools.errors import CorpusError

MAX_FILE_BYTES = 1_000_000
"""Larger files are generated or data; they are skipped and reported."""

_BINARY_PROBE_BYTES = 8192
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})
_LANGUAGE = Language(tree_sitter_python.language())


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One function, method or file that can be found."""

    id: str
    name: str  # qualified, e.g. `Session.request`
    path: str  # as given, with forward slashes
    code: str
    start_line: int = 1
    end_line: int = 1

    @property
    def digest(self) -> str:
        """A hash of everything that the model is shown of it."""
        text = f"{self.name}\0{self.path}\0{self.code}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that was left out, and why."""

    path: str
    reason: str  # "binary", "too large", "unreadable", "unknown encoding"


@dataclass(slots=True, kw_only=True)
class Corpus:
    """What was read from a tree or a file."""

    chunks: list[Chunk] = field(default_factory=list)
    files: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    with_syntax_errors: list[str] = field(default_factory=list)


def read_tree(root: Path, *, max_file_bytes: int = MAX_FILE_BYTES) -> Corpus:
    """Return the functions of all `.py` files below a folder, or of one file, in sorted order.

    Hidden folders, virtual environments and caches are left out. A file that cannot be used is
    reported in `skipped` and never ends the reading.

    Raises:
        CorpusError: there is nothing at `root`.
    """
    if not root.exists():
        raise CorpusError(f"`{root}` does not exist", hint="name a folder or a .py file")
    corpus = Corpus()
    base = root.parent if root.is_file() else root
    for file in [root] if root.is_file() else _python_files(root):
        path = file.relative_to(base).as_posix()
        source = _read_source(file, max_file_bytes)
        if isinstance(source, Skipped):
            corpus.skipped.append(Skipped(path=path, reason=source.reason))
            continue
        corpus.files += 1
        chunks, is_clean = parse_source(source, path)
        corpus.chunks.extend(chunks)
        if not is_clean:
            corpus.with_syntax_errors.append(path)
    return corpus


def parse_source(source: str, path: str) -> tuple[list[Chunk], bool]:
    """Return the functions of one file and whether it parsed without an error."""
    data = source.encode("utf-8", "replace")
    tree = Parser(_LANGUAGE).parse(data)
    seen: dict[str, int] = {}
    chunks: list[Chunk] = []
    for name, node in _functions(tree.root_node):
        count = seen[name] = seen.get(name, 0) + 1
        suffix = f"#{count}" if count > 1 else ""  # overloads and redefinitions share a name
        chunks.append(
            Chunk(
                id=f"{path}::{name}{suffix}",
                name=name,
                path=path,
                code=_code(data, node),
                start_line=node.start_point.row + 1,
                end_line=node.end_point.row + 1,
            )
        )
    return chunks, not tree.root_node.has_error


def read_jsonl(file: Path) -> Corpus:
    """Return the chunks of a JSON-lines file with `id`, `code` and optionally `name`, `path`.

    Raises:
        CorpusError: the file or one of its lines cannot be read; the message names the line.
    """
    corpus = Corpus(files=1)
    seen: set[str] = set()
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    corpus.chunks.append(_parse_line(line, f"{file} line {number}", seen))
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"`{file}` cannot be read: {error}") from error
    return corpus


def _parse_line(line: str, place: str, seen: set[str]) -> Chunk:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{place}: no JSON: {error.msg}") from error
    if not isinstance(row, dict):
        raise CorpusError(f"{place}: expected an object")
    for key in ("id", "code"):
        if not isinstance(row.get(key), str):
            raise CorpusError(f"{place}: `{key}` is missing or no text")
    for key in ("start_line", "end_line"):
        if not isinstance(row.get(key, 1), int):
            raise CorpusError(f"{place}: `{key}` is no whole number")
    if row["id"] in seen:
        raise CorpusError(f"{place}: id `{row['id']}` occurs twice")
    seen.add(row["id"])
    path = str(row.get("path") or row["id"])
    start = row.get("start_line", 1)
    return Chunk(
        id=row["id"],
        name=str(row.get("name") or path),
        path=path,
        code=row["code"],
        start_line=start,
        end_line=row.get("end_line", start + row["code"].count("\n")),
    )


def _python_files(root: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(s for s in subfolders if _is_searched(Path(folder, s)))
        for name in sorted(names):
            if name.endswith((".py", ".pyi")):
                yield Path(folder, name)


def _is_searched(folder: Path) -> bool:
    return not (
        folder.name.startswith(".")
        or folder.name in _SKIPPED_FOLDERS
        or (folder / "pyvenv.cfg").exists()
    )


def _read_source(file: Path, max_file_bytes: int) -> str | Skipped:
    path = file.as_posix()
    try:
        if not file.is_file():  # a socket, a pipe, a dangling link: opening it could block
            return Skipped(path=path, reason="unreadable")
        if file.stat().st_size > max_file_bytes:
            return Skipped(path=path, reason="too large")
        data = file.read_bytes()
    except OSError:
        return Skipped(path=path, reason="unreadable")
    if b"\0" in data[:_BINARY_PROBE_BYTES]:
        return Skipped(path=path, reason="binary")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        return Skipped(path=path, reason="unknown encoding")
    return data.decode(encoding, "replace")


def _functions(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield qualified names and nodes in file order; what is inside a function belongs to it."""
    stack: list[tuple[Node, str]] = [(root, "")]
    while stack:
        node, prefix = stack.pop()
        definition = _definition(node)
        inner = prefix
        if definition is not None:
            name_node = definition.child_by_field_name("name")
            name = prefix + (_text(name_node) if name_node else "")
            if definition.type == "function_definition":
                yield name, node
                continue
            inner = f"{name}."
            node = definition
        stack.extend((child, inner) for child in reversed(node.named_children))


def _definition(node: Node) -> Node | None:
    if node.type == "decorated_definition":
        return node.child_by_field_name("definition")
    return node if node.type in {"function_definition", "class_definition"} else None


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _code(data: bytes, node: Node) -> str:
    body = data[node.start_byte : node.end_byte].decode("utf-8", "replace")
    return textwrap.dedent(" " * node.start_point.column + body)
