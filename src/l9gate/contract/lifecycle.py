"""How long the models that an application names will be there."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from l9gate.contract.drift import Drift, name_of, tell
from l9gate.wire.json import JsonObject
from l9gate.wire.models import find_model

NOTICE = timedelta(days=60)  # the shortest that is given (fact sheet, section 14.3)


def find_model_drifts(
    models: Iterable[str], offered: Iterable[JsonObject] | None, today: date
) -> list[Drift]:
    """Return what is to be known of models that an application names.

    Args:
        models: ids or aliases.
        offered: all entries of `/v1/models`; None: not asked, the table of this version decides.
        today: the day to count from.
    """
    entries = None if offered is None else {str(entry.get("id")): entry for entry in offered}
    drifts: list[Drift] = []
    for name in models:
        facts = find_model(name)
        known = {name} if facts is None else {name, facts.id, *facts.aliases}
        if entries is None:
            drifts += _judge_table(name, today)
        elif not known & set(entries):
            is_over = facts is not None and facts.lifecycle == "retired"
            code = "model.retired" if is_over else "model.absent"
            drifts.append(tell(code, "/data", name_of(name), "no such model"))
        else:
            entry = next(entries[one] for one in sorted(known & set(entries)))
            drifts += _judge_entry(name, entry, today)
    return drifts


def _judge_table(name: str, today: date) -> Iterator[Drift]:
    facts = find_model(name)
    if facts is None:
        yield tell("model.undated", "/model", "a known model", name_of(name))
        return
    ends = _date_of(facts.retires_at)
    if facts.lifecycle == "retired" or (ends is not None and ends < today):
        yield tell("model.retired", "/model", "an active model", f"{name_of(name)}, ended {ends}")
    else:
        yield from _judge_end(name, facts.lifecycle, ends, today)


def _judge_entry(name: str, entry: JsonObject, today: date) -> Iterator[Drift]:
    lifecycle, ends = str(entry.get("lifecycle")), _date_of(entry.get("retires_at"))
    if lifecycle == "retired":  # the only sign of it: a date that has passed may be overdue
        yield tell("model.retired", "/lifecycle", "an active model", f"{name_of(name)}, ended")
    else:
        yield from _judge_end(name, lifecycle, ends, today)


def _judge_end(name: str, lifecycle: str, ends: date | None, today: date) -> Iterator[Drift]:
    if ends is not None and ends - today <= NOTICE:
        found = f"{name_of(name)} ends {ends}, in {(ends - today).days} days"
        yield tell("model.retiring", "/model", f"more than {NOTICE.days} days", found)
    elif lifecycle == "deprecated":
        found = f"{name_of(name)} is deprecated"
        yield tell("model.deprecated", "/model", "an active model", found)


def _date_of(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
