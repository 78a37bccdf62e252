"""How well drifts are told from what is harmless, and what a look in passing costs.

The corpus in `tests/data/contract` is judged by l9gate, by the SDK's types alone and by "any
difference"; then pairs of honest runs are compared; then costs, beside jsonschema on the same
bytes.

Run: python benchmarks/contract_drift.py [--pairs N]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import msgspec
from anthropic import types
from anthropic.types.messages import MessageBatch
from anthropic.types.shared import ErrorResponse
from contract_corpus import Case, Corpus, impact_of, is_found
from contract_runs import play_pair
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError
from referencing import Registry, Resource

from l9gate.contract import Contract, Observed
from l9gate.wire.sse import SseEvent

RESPONSE_LIMIT_US = 10.0
EVENT_LIMIT_US = 3.0
ROUND_S = 0.0005
SWEEP_S = 0.2
SWEEPS = 4  # apart in time, so that some meet nobody else on the core
SCHEMAS = Path(__file__).parents[1] / "tests" / "contract" / "schemas"
SDK_EVENTS = frozenset(
    {
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop"),
    }
)
Judge = Callable[[Case], bool]


class SdkTypes:
    """Finds what the types of the installed SDK refuse, as strict validation of responses does."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._event = TypeAdapter(types.RawMessageStreamEvent)
        self._error = TypeAdapter(ErrorResponse)
        self._bodies: Mapping[str, TypeAdapter[object]] = {
            "count": TypeAdapter(types.MessageTokensCount),
            "model": TypeAdapter(types.ModelInfo),
            "batch": TypeAdapter(MessageBatch),
        }
        self._message = TypeAdapter(types.Message)

    def finds(self, case: Case) -> bool:
        """Whether any part of the exchange is no instance of its type."""
        after = self._corpus.after(case)
        try:
            self._validate(case, after)
        except ValidationError:
            return True
        return False

    def _validate(self, case: Case, after: Observed) -> None:
        if after.status >= 400:
            self._error.validate_json(after.body)
        elif after.events is not None:
            for event in after.events:
                if event.event in SDK_EVENTS:
                    self._event.validate_json(event.data)
        elif case.base == "models":
            for one in msgspec.json.decode(after.body)["data"]:
                self._bodies["model"].validate_python(one)
        else:
            self._bodies.get(case.base, self._message).validate_json(after.body)


def differs(corpus: Corpus, case: Case) -> bool:
    """Whether anything at all is not as it was."""
    before, after = corpus.before(case), corpus.after(case)
    return before != after or (case.kind == "acceptance" and case.older != after.status)


def score(name: str, cases: Iterable[Case], judge: Judge) -> None:
    """Print how many breaking cases are found, and how many harmless ones raise an alarm."""
    cases = list(cases)
    breaking = [case for case in cases if case.impact == "breaking"]
    grave = [case for case in cases if not case.is_harmless]
    harmless = [case for case in cases if case.is_harmless]
    found, alarms = sum(map(judge, grave)), sum(map(judge, harmless))
    hit = sum(map(judge, breaking))
    precision = f"{found / (found + alarms):6.1%}" if found + alarms else "  none"
    print(
        f"  {name:<15} breaking {hit:3}/{len(breaking):<3} all grave {found:3}/{len(grave):<3} "
        f"recall {found / len(grave):6.1%}  precision {precision}  "
        f"false alarms {alarms:2}/{len(harmless)}"
    )


def judge_corpus(corpus: Corpus) -> None:
    """Print the tables."""
    sdk = SdkTypes(corpus)
    judges: dict[str, Judge] = {
        "l9gate": lambda case: is_found(corpus.find_drifts(case)),
        "SDK types only": sdk.finds,
        "any difference": lambda case: differs(corpus, case),
    }
    aspects = list(dict.fromkeys(case.aspect for case in corpus.cases))
    for aspect in ("all", *aspects):
        cases = [case for case in corpus.cases if aspect in {"all", case.aspect}]
        print(f"{aspect}: {len(cases)} cases")
        for name, judge in judges.items():
            score(name, cases, judge)
    named = sum(_is_named(case, corpus) for case in corpus.cases)
    print(f"named with the right class and code by l9gate: {named}/{len(corpus.cases)}")


def _is_named(case: Case, corpus: Corpus) -> bool:
    drifts = corpus.find_drifts(case)
    codes = {drift.code for drift in drifts if drift.impact == case.impact}
    return impact_of(drifts) == case.impact and (case.code is None or case.code in codes)


def compare_runs(pairs: int) -> None:
    """Print how often two honest runs are told apart."""
    started = time.perf_counter()
    played = [play_pair(number) for number in range(pairs)]
    alarms = [drift for pair in played for drift in pair.alarms]
    checked = sum(pair.checked for pair in played)
    print(
        f"honest runs: {len(alarms)} false alarms in {pairs:,} pairs, {checked:,} exchanges "
        f"({time.perf_counter() - started:.0f} s)"
    )
    for drift in alarms[:10]:
        print(f"  {drift.code} {drift.path}: expected {drift.expected}, found {drift.found}")


def measure_cost(corpus: Corpus) -> None:
    """Print what a response and an event cost, beside jsonschema."""
    contract, validators = Contract(), _validators()
    schemas = {"count": "token_count", "models": "models_page", "error_429": "error"}
    looks: list[Look] = []
    for name in ("text", "tool", "thinking", *schemas):
        seen = corpus.before(_case(name))
        looks.append(
            Look(
                f"response `{name}`, {len(seen.body)} bytes",
                partial(contract.glance, seen.asked, seen.status, seen.headers, seen.body),
                partial(_validate, validators[schemas.get(name, "message")], (seen.body,)),
                RESPONSE_LIMIT_US,
            )
        )
    for name, copies in (("stream_text", 1), ("stream_thinking", 1), ("stream_text", 500)):
        seen = corpus.before(_case(name))
        events = _lengthen(seen.events or (), copies)
        data = tuple(event.data for event in events)
        looks.append(
            Look(
                f"event of `{name}`, {len(events)} events",
                partial(_follow, contract, seen, events),
                partial(_validate, validators["stream_event"], data),
                EVENT_LIMIT_US,
                len(events),
            )
        )
    for _ in range(SWEEPS):
        for look in looks:
            look.measure()
    for look in looks:
        look.show()


class Look:
    """One thing to look at, by us and by jsonschema."""

    def __init__(
        self,
        what: str,
        ours: Callable[[], object],
        theirs: Callable[[], object],
        limit_us: float,
        parts: int = 1,
    ) -> None:
        self._what = what
        self._calls = (ours, theirs)
        self._limit_us = limit_us
        self._parts = parts
        self._best_us = [float("inf"), float("inf")]

    def measure(self) -> None:
        """Take the fastest of many short rounds: noise only ever slows down."""
        for place, call in enumerate(self._calls):
            number = max(1, round(ROUND_S / max(_round_s(call, 1), 1e-7)))
            ends = time.perf_counter() + SWEEP_S
            while time.perf_counter() < ends:
                found_us = _round_s(call, number) / number / self._parts * 1e6
                self._best_us[place] = min(self._best_us[place], found_us)

    def show(self) -> None:
        """Print the ratio first."""
        ours, theirs = self._best_us
        print(f"  {self._what:<42} {theirs / ours:6.0f} x jsonschema", end="")
        print(f"  {ours:6.2f} against {theirs:8.1f} µs")
        if ours >= self._limit_us:
            print(f"not reached: {self._limit_us} µs")


def _follow(contract: Contract, seen: Observed, events: tuple[SseEvent, ...]) -> None:
    watch = contract.follow(seen.asked, seen.status, seen.headers)
    for event in events:
        watch.feed(event)
    assert watch.finish() == []


def _validate(validator: Draft202012Validator, bodies: tuple[bytes, ...]) -> None:
    for body in bodies:
        assert validator.is_valid(json.loads(body))


def _lengthen(events: tuple[SseEvent, ...], copies: int) -> tuple[SseEvent, ...]:
    """Return a stream with each delta so many times."""
    return tuple(
        event
        for event in events
        for _ in range(copies if event.event == "content_block_delta" else 1)
    )


def _case(base: str) -> Case:
    return Case(id=base, aspect="", base=base, edits=[], impact="none", why="")


def _round_s(call: Callable[[], object], number: int) -> float:
    started = time.perf_counter()
    for _ in range(number):
        call()
    return time.perf_counter() - started


def _validators() -> dict[str, Draft202012Validator]:
    schemas = [json.loads(file.read_text()) for file in SCHEMAS.glob("*.json")]
    registry: Registry[bool | Mapping[str, object]] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    return {
        schema["$id"].partition(".")[0]: Draft202012Validator(schema, registry=registry)
        for schema in schemas
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Drifts found, false alarms, costs.")
    parser.add_argument("--pairs", type=int, default=1000)
    pairs = parser.parse_args().pairs
    corpus = Corpus()
    judge_corpus(corpus)
    compare_runs(pairs)
    print(f"cost in passing, Python {sys.version.split()[0]}, best of {SWEEPS} sweeps:")
    measure_cost(corpus)


if __name__ == "__main__":
    main()
