import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import Stemmer

from neural_tools.corpus import Chunk
from neural_tools.errors import IndexFolderError
from neural_tools.index import CodeIndex, Tokenizer, query_words


def chunk(name: str, code: str = "pass", path: str = "m.py") -> Chunk:
    return Chunk(id=f"{path}::{name}", name=name, path=path, code=code)


CHUNKS = [
    chunk("parse_header", "def parse_header(line): return line.split(':')"),
    chunk("HTTPServer.start", "def start(self): self.socket.listen()"),
    chunk("connect", "def connect(): parse_header(read())"),
    chunk("größe", "def größe(): return 'Länge'"),
]


def found(query: str, k: int = 10, chunks: list[Chunk] | None = None) -> list[str]:
    index = CodeIndex.build(CHUNKS if chunks is None else chunks)
    return [candidate.chunk.name for candidate in index.search(query, k)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parse_header", ["pars", "header"]),
        ("parseHTTPResponse2", ["pars", "http", "respons", "2"]),
        ("__init__", ["init"]),
        ("sha256sum", ["sha", "256", "sum"]),
        ("ABC", ["abc"]),
        ("größe_日本", ["größe", "日本"]),
        ("prüfeHTTPÜbertragung2Größen", ["prüfe", "http", "übertragung", "2", "größen"]),
        ("", []),
        ("... !?", []),
    ],
)
def test_identifiers_are_split_and_stemmed(text: str, words: list[str]) -> None:
    stemmed = Stemmer.Stemmer("english").stemWords(words)
    assert Tokenizer().tokens(text) == (words if text.isascii() else stemmed)


def test_function_words_of_a_question_are_dropped_unless_there_are_no_others() -> None:
    assert query_words("for a header of the line") == ["header", "line"]
    assert query_words("return if not") == ["return", "if", "not"]


def test_the_name_weighs_more_than_the_code() -> None:
    """S-01."""
    chunks = [chunk("run", code="open(file); file"), chunk("open_file", code="pass; pass; pass")]
    assert found("open file", chunks=chunks) == ["open_file", "run"]


def test_other_forms_of_a_word_are_found() -> None:
    assert found("parsing headers")[0] == "parse_header"
    assert found("http servers")[0] == "HTTPServer.start"
    assert found("größe") == ["größe"]


@pytest.mark.parametrize("query", ["", "   ", "?!", "zebra", "\x00\ud800", "🎉"])
def test_a_query_that_shares_no_word_finds_nothing(query: str) -> None:
    """T-01: empty, unicode, binary-like."""
    assert found(query) == []


def test_an_empty_index_finds_nothing() -> None:
    """T-01: empty."""
    assert found("anything", chunks=[]) == []
    assert found("anything", chunks=[chunk("", code="...", path="")]) == []


def test_one_chunk_is_found() -> None:
    """T-01: one item."""
    assert found("lonely", chunks=[chunk("lonely")]) == ["lonely"]


def test_no_more_than_k_come_back() -> None:
    assert len(found("parse header", k=1)) == 1
    assert found("parse header", k=0) == []
    assert len(found("parse header", k=10_000)) == 2


def test_equal_chunks_keep_the_order_of_the_corpus() -> None:
    """T-01: duplicates."""
    twins = [
        chunk("same" if n % 3 else "other_same_thing", path=f"{n}.py", code="x") for n in range(99)
    ]
    paths = [c.chunk.path for c in CodeIndex.build(twins).search("same", 99)]
    expected = [n for n in range(99) if n % 3] + [n for n in range(99) if n % 3 == 0]
    assert paths == [f"{n}.py" for n in expected]


def test_scores_fall() -> None:
    scores = [c.score for c in CodeIndex.build(CHUNKS).search("parse header read", 9)]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


def test_a_huge_chunk_is_indexed() -> None:
    """T-01: huge."""
    assert found("needle", chunks=[chunk("hay", code="straw " * 20_000 + "needle")]) == ["hay"]


def test_one_index_may_be_searched_from_many_threads() -> None:
    index = CodeIndex.build(CHUNKS)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: index.search("parse header", 5), range(64)))
    assert all(answer == answers[0] for answer in answers)


def test_a_saved_index_answers_as_before(tmp_path: Path) -> None:
    index = CodeIndex.build([*CHUNKS, chunk("odd\ud800", code="lone \udfff surrogate")])
    index.save(tmp_path / "deep" / "index")
    loaded = CodeIndex.load(tmp_path / "deep" / "index")
    for query in ("parse header", "größe", "surrogate", "nothing"):
        assert loaded.search(query, 5) == index.search(query, 5)
    assert len(loaded) == 5


def test_an_empty_index_can_be_saved_and_loaded(tmp_path: Path) -> None:
    """T-01: empty."""
    CodeIndex.build([]).save(tmp_path / "index")
    assert CodeIndex.load(tmp_path / "index").search("x", 3) == []


def test_saving_replaces_an_index_as_a_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    CodeIndex.build(CHUNKS).save(tmp_path / "index")
    CodeIndex.build(CHUNKS[:1]).save(tmp_path / "index")
    assert len(CodeIndex.load(tmp_path / "index")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_a_folder_that_is_no_index_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(IndexFolderError, match="no index"):
        CodeIndex.build(CHUNKS).save(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexFolderError, match="cannot be written"):
        CodeIndex.build(CHUNKS).save(tmp_path / "file" / "index")


def test_a_folder_without_an_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError) as caught:
        CodeIndex.load(tmp_path)
    assert caught.value.hint is not None
    assert "neural-tools index" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("neural_tools.json", "{"),
        ("neural_tools.json", "{}"),
        ("neural_tools.json", '{"version": 99}'),
        ("chunks.jsonl", '{"id": "x"}\n'),
        ("chunks.jsonl", ""),
        ("bm25/data.csc.index.npy", "garbage"),
    ],
)
def test_a_damaged_or_foreign_index_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    CodeIndex.build(CHUNKS).save(tmp_path / "index")
    (tmp_path / "index" / name).write_text(text)
    with pytest.raises(IndexFolderError):
        CodeIndex.load(tmp_path / "index")


def test_the_index_holds_plain_json_and_arrays_only(tmp_path: Path) -> None:
    CodeIndex.build(CHUNKS).save(tmp_path / "index")
    meta = json.loads((tmp_path / "index" / "neural_tools.json").read_text())
    assert meta == {"version": 1, "chunks": 4, "scored": True}
    suffixes = {path.suffix for path in (tmp_path / "index").rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".jsonl", ".npy"}
