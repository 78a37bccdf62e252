"""The corpus of drifts in `tests/data/contract`: exchanges as they should be, edited and labelled.

`bases.json` holds exchanges; a line of `cases.jsonl` names one, says what to change in it, and what
that is to a client. A path of an edit is a JSON pointer into the exchange.
"""

import copy
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from l9gate.contract import (
    Asked,
    Contract,
    Drift,
    Impact,
    Observed,
    Reliance,
    compare_versions,
    find_count_drift,
    find_model_drifts,
    find_repeated_ids,
    learn_baseline,
)
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.sse import SseEvent

DATA = Path(__file__).parents[1] / "tests" / "data" / "contract"
REPEATS = 3
GRAVE = ("breaking", "warning")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change and its label."""

    id: str
    aspect: str
    base: str
    edits: list[list[object]]  # JSON: verb, pointer, word
    impact: str  # of the gravest difference; `none`: nothing is to be told
    code: str | None = None  # of that difference
    why: str  # what the label rests on
    kind: str = "exchange"  # or acceptance, lifecycle, count, ids
    repeats_probe: bool = True  # else the exchange passes by, its question unknown
    reliance: Reliance = Reliance()
    older: int = 200  # status under the older version, for acceptance
    today: str = "2026-11-22"  # for lifecycle
    models: tuple[str, ...] = ()
    asks_models: bool = True

    @property
    def is_harmless(self) -> bool:
        """Whether nobody has to look."""
        return self.impact not in GRAVE


class Corpus:
    """All cases, and what is needed to play them."""

    def __init__(self) -> None:
        self.bases: dict[str, JsonObject] = json.loads((DATA / "bases.json").read_text())
        lines = (DATA / "cases.jsonl").read_bytes().splitlines()
        self.cases = [msgspec.json.decode(line, type=Case) for line in lines]
        repeats = {name: [observe(base)] * REPEATS for name, base in self.bases.items()}
        self.baseline = learn_baseline(
            {name: each for name, each in repeats.items() if each[0].status < 429}
        )
        self._contracts: dict[Reliance, Contract] = {}

    def contract_for(self, reliance: Reliance) -> Contract:
        """Return a contract that was learnt from repeats of every base."""
        found = self._contracts.get(reliance)
        if found is None:
            baseline = msgspec.structs.replace(self.baseline, reliance=reliance)
            found = self._contracts[reliance] = Contract(baseline)
        return found

    def before(self, case: Case) -> Observed:
        """Return the exchange as it should be."""
        return observe(self.bases[case.base], case.base if case.repeats_probe else None)

    def after(self, case: Case) -> Observed:
        """Return the exchange of a case as it was changed."""
        exchange = copy.deepcopy(self.bases[case.base])
        for edit in case.edits:
            apply_edit(exchange, *edit)  # type: ignore[arg-type]
        return observe(exchange, case.base if case.repeats_probe else None)

    def find_drifts(self, case: Case) -> list[Drift]:
        """Return what l9gate finds in a case."""
        after = self.after(case)
        match case.kind:
            case "acceptance":
                older = msgspec.structs.replace(after, status=case.older)
                return compare_versions(older, after)
            case "lifecycle":
                page = (parse_object(after.body) or {}).get("data")
                entries = [one for one in page if isinstance(one, dict)] if page else []  # type: ignore[union-attr]
                offered = entries if case.asks_models else None
                return find_model_drifts(case.models, offered, date.fromisoformat(case.today))
            case "count":
                usage = (parse_object(observe(self.bases["text"]).body) or {})["usage"]
                assert isinstance(usage, dict)
                found = find_count_drift(parse_object(after.body) or {}, usage)
                return [found] if found else []
            case "ids":
                return list(find_repeated_ids([self.before(case), after]))
        return self.contract_for(case.reliance).find_drifts(after)


def observe(exchange: JsonObject, probe: str | None = None) -> Observed:
    """Return an exchange of the data as the engine takes it."""
    events, status, headers = exchange.get("events"), exchange["status"], exchange["headers"]
    assert isinstance(status, int)
    assert isinstance(headers, dict)
    return Observed(
        asked=_asked(exchange["asked"]),
        status=status,
        headers={name.lower(): str(value) for name, value in headers.items()},
        body=_bytes(exchange.get("body", "")),
        events=tuple(_events(events)) if isinstance(events, list) else None,
        probe=probe,
    )


def apply_edit(exchange: JsonObject, verb: str, pointer: str, word: Json = None) -> None:
    """Change an exchange in place: set, remove, rename, insert, copy, or swap with the next."""
    *steps, last = pointer.split("/")[1:]
    home: Json = exchange
    for step in steps:
        home = home[int(step)] if isinstance(home, list) else home[step]  # type: ignore[index]
    if isinstance(home, list):
        _edit_list(home, verb, int(last), word)
    elif isinstance(home, dict):
        _edit_object(home, verb, last, word)


def impact_of(drifts: list[Drift]) -> str:
    """Return the gravest impact, or `none`."""
    return str(drifts[0].impact) if drifts else "none"


def is_found(drifts: list[Drift]) -> bool:
    """Whether somebody is told to look."""
    return any(drift.impact in {Impact.BREAKING, Impact.WARNING} for drift in drifts)


def _asked(value: Json) -> Asked:
    assert isinstance(value, dict)
    body = value["body"]
    assert isinstance(body, dict)
    return Asked(
        method=str(value["method"]),
        path=str(value["path"]),
        api_version=str(value["api_version"]),
        body=body,
    )


def _edit_list(home: list[Json], verb: str, at: int, word: Json) -> None:
    match verb:
        case "set":
            home[at] = word
        case "remove":
            del home[at]
        case "insert":
            home.insert(at, word)
        case "copy":
            home.insert(at, copy.deepcopy(home[at]))
        case "swap":
            home[at], home[at + 1] = home[at + 1], home[at]
        case _:
            raise ValueError(verb)


def _edit_object(home: JsonObject, verb: str, key: str, word: Json) -> None:
    match verb:
        case "set":
            home[key] = word
        case "remove":
            del home[key]
        case "rename":
            home[str(word)] = home.pop(key)
        case _:
            raise ValueError(verb)


def _events(events: list[Json]) -> Iterator[SseEvent]:
    for event in events:
        assert isinstance(event, list)
        yield SseEvent(str(event[0]), _bytes(event[1]))


def _bytes(value: Json) -> bytes:
    """Return JSON as bytes; a text stands for the bytes of something that is no JSON object."""
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
