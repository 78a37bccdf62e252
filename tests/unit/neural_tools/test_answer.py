import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_tools.answer import parse_ranking
from neural_tools.errors import AnswerError

IDS = ("c1", "c2", "c3", "c4")


def test_a_whole_answer_needs_no_repair() -> None:
    ranking = parse_ranking('{"ranking": ["c4", "c2", "c1", "c3"]}', IDS)
    assert ranking.order == (3, 1, 0, 2)
    assert ranking.repairs == 0


def test_duplicates_and_unknown_ids_are_dropped_and_missing_ones_appended_in_order() -> None:
    ranking = parse_ranking('{"ranking": ["c3", "c3", "c9", 7, null, "c1"]}', IDS)
    assert ranking.order == (2, 0, 1, 3)
    assert (ranking.duplicates, ranking.unknown, ranking.missing) == (1, 3, 2)
    assert ranking.repairs == 6


@pytest.mark.scenario("malformed_answer")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "c1, c2",
        "[]",
        "null",
        '{"ranking": "c1"}',
        '{"ranking": {"c1": 1}}',
        '{"order": ["c1"]}',
        '{"ranking": ["c1"], "note": "x"}',
        '{"ranking": []}',
        '{"ranking": ["c9"]}',
        '{"ranking": ["c1"',
        '```json\n{"ranking": ["c1"]}\n```',
        "[" * 100_000,
    ],
)
def test_what_is_no_ranking_is_an_error(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_ranking(text, IDS)


def test_no_candidates_have_an_empty_ranking() -> None:
    assert parse_ranking('{"ranking": []}', ()).order == ()


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(min_value=1, max_value=25),
    entries=st.lists(st.one_of(st.sampled_from([f"c{n}" for n in range(30)]), st.none())),
)
def test_the_order_is_always_a_permutation_of_all_candidates(
    size: int, entries: list[str | None]
) -> None:
    ids = [f"c{n}" for n in range(1, size + 1)]
    text = json.dumps({"ranking": ["c1", *entries]})
    ranking = parse_ranking(text, ids)
    assert sorted(ranking.order) == list(range(size))
    said = [ids.index(e) for e in dict.fromkeys(["c1", *entries]) if e in ids]
    assert list(ranking.order[: len(said)]) == said
    assert len(entries) + 1 + ranking.missing == size + ranking.duplicates + ranking.unknown
