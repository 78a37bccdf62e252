"""The strict parser of the model's answer, and its repair: no candidate is ever lost."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from neural_tools.errors import AnswerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """An order of all candidates, and how much of it the model did not say itself."""

    order: tuple[int, ...]  # positions in the first-stage list, best first; a permutation
    duplicates: int = 0  # dropped
    unknown: int = 0  # dropped
    missing: int = 0  # appended in first-stage order

    @property
    def repairs(self) -> int:
        """How many entries had to be dropped or appended."""
        return self.duplicates + self.unknown + self.missing


def parse_ranking(text: str, ids: Sequence[str]) -> Ranking:
    """Return the ranking that an answer states, completed to a permutation of all candidates.

    Args:
        text: the model's answer: `{"ranking": ["c3", "c1", …]}` and nothing else.
        ids: the ids that the candidates had in the question, in first-stage order.

    Raises:
        AnswerError: the answer is no JSON of that shape, or names none of the candidates.
    """
    positions = {id_: position for position, id_ in enumerate(ids)}
    order: dict[int, None] = {}
    duplicates = unknown = 0
    for entry in _entries(text):
        position = positions.get(entry) if isinstance(entry, str) else None
        if position is None:
            unknown += 1
        elif position in order:
            duplicates += 1
        else:
            order[position] = None
    if not order and ids:
        raise AnswerError("the ranking names none of the candidates")
    missing = [position for position in range(len(ids)) if position not in order]
    return Ranking(
        order=(*order, *missing), duplicates=duplicates, unknown=unknown, missing=len(missing)
    )


def _entries(text: str) -> list[object]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnswerError("the answer is no JSON") from error
    if not isinstance(answer, dict) or set(answer) != {"ranking"}:
        raise AnswerError("the answer is no object with exactly the key `ranking`")
    ranking = answer["ranking"]
    if not isinstance(ranking, list):
        raise AnswerError("`ranking` is no list")
    return ranking
