"""What `l9gate doctor` looks at beyond files: packages that clash, the model, the endpoint."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import Distribution

from l9gate.net.greeting import Greeting
from l9gate.wire.models import AS_OF, find_model

OK, NOTE, BAD = "ok", "note", "bad"
_PLUGINS = "pytest11"
_TOLERATED_SKEW_S = 5.0
_SOON_DAYS = 60  # at least so long before its end a model's retirement is announced
_LOW_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what was found; `hint` says what to do."""

    state: str
    what: str
    found: str
    hint: str | None = None


def check_plugins(installed: Iterable[Distribution]) -> Iterator[Check]:
    """Yield a check for every two packages of which one overwrites the other's pytest plug-in.

    Args:
        installed: as `importlib.metadata.distributions()` gives them.
    """
    owners: dict[str, set[str]] = defaultdict(set)
    for distribution in installed:
        name = distribution.metadata["Name"]
        for entry in distribution.entry_points:
            if entry.group == _PLUGINS:
                owners[f"plug-in `{entry.name}`"].add(name)
                owners[f"module `{entry.value.partition('.')[0]}`"].add(name)
    clashes: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for what, names in owners.items():
        if len(names) > 1:
            clashes[tuple(sorted(names))].append(what)
    for packages, whats in clashes.items():
        found = (
            f"{' and '.join(packages)} both bring {', '.join(sorted(whats))}: one breaks the other"
        )
        yield Check(
            BAD, "plug-ins", found, f"pip uninstall {packages[-1]}, then reinstall {packages[0]}"
        )


def check_mocks(blind: Iterable[tuple[str, str]]) -> Iterator[Check]:
    """Yield a note for every installed mock library that the SDK's calls pass by unseen.

    Args:
        blind: as `l9gate.observe.mocks.find_blind_mocks` gives them.
    """
    for name, advice in blind:
        yield Check(NOTE, "mocks", f"{name} cannot see httpx2, which the SDK sends with", advice)


def check_model(model: str, today: date) -> Check:
    """Say what this l9gate knows of the declared model, without asking anybody."""
    facts = find_model(model)
    if facts is None:
        found = f"`{model}` is not among the models known on {AS_OF}"
        return Check(NOTE, "model", found, "`l9gate doctor --live` asks the endpoint")
    return _judge_model(model, facts.lifecycle, facts.retires_at, today)


def check_greeting(greeting: Greeting, model: str, today: date) -> Iterator[Check]:
    """Yield what an endpoint's answers say of our clock, of the model, and of what is left."""
    yield _check_skew(greeting.skew_s)
    entry = greeting.model
    if entry is not None:
        yield _judge_model(model, entry.lifecycle or "active", entry.retires_at, today)
    else:
        hint = "correct `model` in the settings, or ask for access"
        found = f"the endpoint answered {greeting.model_status} to a question about `{model}`"
        yield Check(BAD if greeting.model_status == 404 else NOTE, "model", found, hint)
    yield _check_headroom(greeting.rate_limit)


def _judge_model(model: str, lifecycle: str, retires_at: str | None, today: date) -> Check:
    end = _parse_day(retires_at)
    when = f" on {end.isoformat()}" if end is not None else ""
    hint = "choose its successor before the release"
    if lifecycle == "retired" or (end is not None and end <= today):
        return Check(BAD, "model", f"`{model}` was retired{when}", hint)
    days = None if end is None else (end - today).days
    if lifecycle == "deprecated" or (days is not None and days <= _SOON_DAYS):
        left = "" if days is None else f", in {days} days"
        return Check(NOTE, "model", f"`{model}` is {lifecycle} and retires{when}{left}", hint)
    return Check(OK, "model", f"`{model}` is {lifecycle}")


def _check_skew(skew_s: float | None) -> Check:
    if skew_s is None:
        return Check(NOTE, "clock", "the endpoint tells no time")
    direction = "ahead of" if skew_s > 0 else "behind"
    if abs(skew_s) > _TOLERATED_SKEW_S:
        found = f"{abs(skew_s):.0f} s {direction} the endpoint's"
        return Check(BAD, "clock", found, "synchronise it: dates of tokens and evidence are wrong")
    return Check(OK, "clock", f"within {_TOLERATED_SKEW_S:.0f} s of the endpoint's")


def _check_headroom(limits: Mapping[str, str]) -> Check:
    """Compare what is left of each limit with the limit."""
    found, is_low = [], False
    for name, limit in limits.items():
        kind, _, field = name.rpartition("-")
        left = limits.get(f"{kind}-remaining", "")
        if field == "limit" and limit.isdecimal() and left.isdecimal() and int(limit) > 0:
            found.append(f"{int(left):,} of {int(limit):,} {kind.replace('-', ' ')}")
            is_low = is_low or int(left) / int(limit) < _LOW_SHARE
    if not found:
        return Check(NOTE, "rate limits", "free requests are answered without their headers")
    hint = "wait a minute, or run when nothing else uses this key" if is_low else None
    return Check(NOTE if is_low else OK, "rate limits", f"left: {', '.join(found)}", hint)


def _parse_day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
