"""Invented rankings for development without a key; always labelled, never cached."""

from collections.abc import Sequence

from neural_tools.index import Candidate, Tokenizer, query_words


def invent_order(query: str, candidates: Sequence[Candidate]) -> tuple[int, ...]:
    """Return positions, best first: who shares more words with the query in the name goes first.

    It says nothing about how a model would rank; it is only repeatable and visibly not the
    first-stage order.
    """
    wanted = set(query_words(query))
    tokenizer = Tokenizer()
    shared = [len(wanted.intersection(tokenizer.tokens(c.chunk.name))) for c in candidates]
    return tuple(sorted(range(len(candidates)), key=lambda position: -shared[position]))
