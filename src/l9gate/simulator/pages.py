"""Pages of a list: what a query asks for, and the envelope that answers it."""

from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

import msgspec

from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.wire.json import Json, JsonObject

_DEFAULT_LIMIT = 20
_MAX_LIMIT = 1000
_CURSORS = frozenset({"limit", "after_id", "before_id", "beta"})


class PageQuery(msgspec.Struct, frozen=True):
    """Which part of a list is asked for; `more` holds the parameters of one list only."""

    limit: int
    after_id: str | None
    before_id: str | None
    more: dict[str, list[str]]


def parse_page_query(
    query: str, more: frozenset[str] = frozenset(), *, is_strict: bool = True
) -> PageQuery | Refusal:
    """Return what a query asks for, or the refusal of one that cannot be meant.

    Args:
        query: as it stands in the request.
        more: names of parameters that this list knows besides.
        is_strict: whether unknown parameters are refused.
    """
    given = parse_qs(query, keep_blank_values=True)
    for name in given:
        if is_strict and name not in _CURSORS and name not in more:
            return invalid(f"{name}: Extra inputs are not permitted")
    limit = given.get("limit", [str(_DEFAULT_LIMIT)])[-1]
    is_number = limit.isascii() and limit.isdecimal()
    if not is_number or not 1 <= int(limit[:9]) <= _MAX_LIMIT:
        if is_strict or not is_number:
            return invalid(f"limit: Input should be a number from 1 to {_MAX_LIMIT}")
        limit = str(_DEFAULT_LIMIT)
    return PageQuery(
        limit=int(limit),
        after_id=given.get("after_id", [None])[-1],
        before_id=given.get("before_id", [None])[-1],
        more={name: given[name] for name in more if name in given},
    )


def render_page(
    query: PageQuery,
    ids: Sequence[str],
    render: Callable[[str], JsonObject],
    noun: str,
    *,
    is_strict: bool = True,
) -> JsonObject | Refusal:
    """Return one page, or the refusal of a cursor that names nothing.

    Args:
        query: what is asked for.
        ids: of the whole list, in its order.
        render: gives the entry with an id.
        noun: what the ids are of, for the message of a refusal.
        is_strict: whether an unknown cursor is refused; else it is as if it were not given.
    """
    places = {id_: place for place, id_ in enumerate(ids)}
    after, before = query.after_id, query.before_id
    for cursor in (after, before):
        if is_strict and cursor is not None and cursor not in places:
            return refuse("not_found_error", f"{noun}: {cursor}")
    first = places.get(after or "", -1) + 1
    last = places.get(before or "", len(ids))
    if before in places and after is None:  # the page that ends before the cursor
        shown, has_more = ids[max(0, last - query.limit) : last], last > query.limit
    else:
        shown, has_more = ids[first : min(last, first + query.limit)], first + query.limit < last
    data: list[Json] = [render(id_) for id_ in shown]
    return {
        "data": data,
        "has_more": has_more,
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }
