"""Texts that match a pattern."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.simulator.instances import instance_of
from l9gate.simulator.patterns import text_matching


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("^[A-Z]{2}-\\d{3,5}$", "AA-000"),
        ("^(cat|dog)s?$", "cat"),
        ("^(?:ab)+(?P<n>c{2})$", "abcc"),
        ("^[^a-z0-9]$", "A"),
        ("^[\\]x]$", "x"),
        ("^[]]$", "]"),
        ("^\\w+@\\w+\\.(com|org)$", "a@a.com"),
        ("^\\x41\\u00e9\\t\\.$", "Aé\t."),
        ("a*?b+?c{1}", "bc"),
        ("^.\\s\\S\\D\\W$", "a aa-"),
        ("^[Ω]$", "Ω"),
    ],
)
def test_the_shortest_easy_text_is_found(pattern: str, text: str) -> None:
    assert text_matching(pattern) == text


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)b",
        "(a)\\1",
        "(",
        ")",
        "[a",
        "a\\",
        "?",
        "a{9999}",
        "\\x4",
        "^b$a",
        "\\uzzzz",
        "(" * 999,
    ],
)
def test_what_is_not_understood_gives_none(pattern: str) -> None:
    assert text_matching(pattern) is None


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "\\d", "[b-y]", ".", "\\-", "[^x]"]),
        lambda inner: (
            st.tuples(inner, inner).map("".join)
            | inner.map(lambda part: f"({part})+")
            | st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]}){{2,3}}")
        ),
        max_leaves=5,
    )
)
def test_any_pattern_of_known_parts_is_matched(pattern: str) -> None:
    text = text_matching(f"^{pattern}$")
    assert text is not None
    assert re.fullmatch(pattern, text)


def test_a_string_follows_its_pattern() -> None:
    assert instance_of({"type": "string", "pattern": "^v\\d+$"}) == "v0"
    assert instance_of({"type": "string", "pattern": "(?=x)"}) == "simulated"
