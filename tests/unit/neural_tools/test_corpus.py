import json
from pathlib import Path

import pytest

from neural_tools.corpus import parse_source, read_jsonl, read_tree
from neural_tools.errors import CorpusError


def names(source: str) -> list[str]:
    return [chunk.name for chunk in parse_source(source, "m.py")[0]]


def test_functions_and_methods_have_qualified_names_in_file_order() -> None:
    source = """
def one(): ...
class Outer:
    x = 1
    def method(self):
        def inside(): ...
        return inside
    class Inner:
        async def deep(self): ...
if True:
    def two(): ...
"""
    assert names(source) == ["one", "Outer.method", "Outer.Inner.deep", "two"]


def test_decorators_belong_to_the_code_and_methods_are_dedented() -> None:
    source = "class A:\n    @property\n    def x(self):\n        return 1\n"
    (chunk,), is_clean = parse_source(source, "a.py")
    assert is_clean
    assert chunk.code == "@property\ndef x(self):\n    return 1"
    assert (chunk.name, chunk.start_line, chunk.end_line) == ("A.x", 2, 4)


def test_a_decorated_class_keeps_its_methods() -> None:
    assert names("@final\nclass A:\n    def x(self): ...\n") == ["A.x"]


def test_redefinitions_get_ids_of_their_own() -> None:
    """T-01: duplicates."""
    chunks, _ = parse_source("def f(): ...\ndef f(): ...\n", "m.py")
    assert [chunk.id for chunk in chunks] == ["m.py::f", "m.py::f#2"]


def test_syntax_errors_do_not_hide_the_other_functions() -> None:
    chunks, is_clean = parse_source("def good(): ...\n\ndef bad(:\n\ndef also(): ...\n", "m.py")
    assert not is_clean
    assert "good" in [chunk.name for chunk in chunks]


@pytest.mark.parametrize("source", ["", "\n\n", "# only a comment", "x = 1"])
def test_a_file_without_functions_has_no_chunks(source: str) -> None:
    """T-01: empty."""
    assert parse_source(source, "m.py")[0] == []


def test_unicode_names_and_code_are_kept() -> None:
    """T-01: unicode."""
    (chunk,), _ = parse_source("def größe_日本():\n    return '🎉'\n", "m.py")
    assert chunk.name == "größe_日本"
    assert "🎉" in chunk.code


def test_deeply_nested_classes_do_not_exhaust_the_stack() -> None:
    """T-01: huge."""
    source = "".join(f"{' ' * depth}class C{depth}:\n" for depth in range(300))
    source += " " * 300 + "def deep(self): ...\n"
    assert names(source)[0].count(".") == 300


def test_a_tree_is_read_in_sorted_order_and_reports_what_it_skips(tmp_path: Path) -> None:
    """T-01: empty, huge, binary-like."""
    files = {
        "b.py": b"def b(): ...\n",
        "a/x.py": b"def x(): ...\n",
        "a/latin.py": "# coding: latin-1\ndef f(): return 'ü'\n".encode("latin-1"),
        "binary.py": b"\x7fELF\x00\x01def no(): ...",
        "coding.py": b"# coding: klingon\n",
        "empty.py": b"",
        "broken.py": b"def broken(:\n",
        "huge.py": b"#" * 2000,
        ".hidden/h.py": b"def h(): ...\n",
        "__pycache__/c.py": b"def c(): ...\n",
        "env/pyvenv.cfg": b"",
        "env/v.py": b"def v(): ...\n",
        "notes.txt": b"def t(): ...\n",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "dangling.py").symlink_to(tmp_path / "gone.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    corpus = read_tree(tmp_path, max_file_bytes=1500)
    assert [c.id for c in corpus.chunks if c.name != "broken"] == [
        "b.py::b",
        "a/latin.py::f",
        "a/x.py::x",
    ]
    assert "ü" in next(c.code for c in corpus.chunks if c.name == "f")
    assert {(s.path, s.reason) for s in corpus.skipped} == {
        ("binary.py", "binary"),
        ("coding.py", "unknown encoding"),
        ("huge.py", "too large"),
        ("dangling.py", "unreadable"),
    }
    assert corpus.with_syntax_errors == ["broken.py"]
    assert corpus.files == 5


def test_one_file_may_be_read_alone(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("def f(): ...\n")
    assert [chunk.id for chunk in read_tree(file).chunks] == ["one.py::f"]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        read_tree(tmp_path / "nowhere")


def test_json_lines_need_id_and_code_only(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    rows = [
        {"id": "a", "code": "x\ny"},
        {"id": "b", "code": "z", "name": "C.m", "path": "p.py", "start_line": 7, "end_line": 9},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    first, second = read_jsonl(file).chunks
    assert (first.name, first.path, first.start_line, first.end_line) == ("a", "a", 1, 2)
    assert (second.name, second.path, second.start_line, second.end_line) == ("C.m", "p.py", 7, 9)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "no JSON"),
        ("[]", "object"),
        ('{"id": "x"}', "code"),
        ('{"id": 1, "code": ""}', "id"),
        ('{"id": "ok", "code": ""}', "twice"),
        ('{"id": "x", "code": "", "start_line": "one"}', "start_line"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    file = tmp_path / "c.jsonl"
    file.write_text('{"id": "ok", "code": ""}\n' + line)
    with pytest.raises(CorpusError, match="line 2") as caught:
        read_jsonl(file)
    assert what in str(caught.value)


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00"])
def test_a_corpus_that_cannot_be_read_is_an_error(tmp_path: Path, data: bytes | None) -> None:
    file = tmp_path / "c.jsonl"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_jsonl(file)


def test_digests_tell_documents_apart() -> None:
    one, two = parse_source("def f(): ...\ndef g(): ...\n", "m.py")[0]
    assert one.digest != two.digest
    assert one.digest == parse_source("def f(): ...\n", "m.py")[0][0].digest
