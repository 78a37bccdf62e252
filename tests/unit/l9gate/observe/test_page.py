from pathlib import Path

import pytest

from l9gate.observe.page import SIZE_BYTES, Page, append_line, format_line, parse_line, read_page


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "page")


def test_a_page_says_what_was_written_last(path: str) -> None:
    page = Page(path)
    page.write({"guarded": "tests/a.py::test_with_a_long_name", "owner": "é\udcff"})
    page.write({"guarded": "", "owner": "b"})
    assert read_page(path) == {"guarded": "", "owner": "b"}
    page.close()


def test_no_page_and_an_empty_one_say_nothing(path: str) -> None:
    assert read_page(path) is None
    Page(path).close()
    assert read_page(path) is None


def test_half_of_a_change_is_not_read(path: str) -> None:
    page = Page(path)
    page.write({"owner": "a"})
    raw = bytearray(Path(path).read_bytes())
    raw[-2] ^= 1
    Path(path).write_bytes(raw)
    assert read_page(path) is None
    page.close()


def test_what_does_not_fit_is_cut_off(path: str) -> None:
    page = Page(path)
    page.write({"guarded": "t", "owner": "x" * SIZE_BYTES})
    found = read_page(path)
    assert found is not None
    assert found["guarded"] == "t"
    assert Path(path).stat().st_size <= SIZE_BYTES
    page.close()


def test_lines_are_added_only_to_a_file_that_is_there(path: str) -> None:
    with pytest.raises(OSError, match="No such file"):
        append_line(path, {"a": "b"})
    Path(path).touch()
    append_line(path, {"a": "one\ttwo\nthree\0"})
    append_line(path, {"a": ""})
    lines = Path(path).read_bytes().splitlines()
    assert [parse_line(line) for line in lines] == [{"a": "one two three "}, {"a": ""}]


def test_a_name_whose_value_was_cut_off_is_left_out() -> None:
    assert parse_line(format_line({"a": "1", "b": "2"})[:5]) == {"a": "1"}
