"""Holds every answer that passes against the contract, once it has ended; what differs is counted.

Equal differences of one process are put once, and how often they came again at its end.
"""

import re
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from l9gate.contract import (
    RULES,
    Asked,
    Aspect,
    Baseline,
    Contract,
    Drift,
    Reliance,
    is_transient,
    make_baseline,
    merge_reliances,
    parse_baseline,
)
from l9gate.errors import BaselineError
from l9gate.evidence.records import AnyRecord, ContractDrift, Held, LapsedWaiver, Origin
from l9gate.measure.clock import Clock
from l9gate.observe.answer import Answer
from l9gate.observe.attribution import Owner
from l9gate.observe.origins import Target
from l9gate.store.waivers import read_waivers
from l9gate.wire import headers as names
from l9gate.wire.json import JsonObject, parse_object

MAX_DISTINCT = 500  # beyond it a process tells codes apart, no longer places and tests
ELSEWHERE = "elsewhere"
WAIVED = "waived"
_ITEM = re.compile(r"(?<=[ /])\d+(?=[ /]|$)")
_UNENDED, _MISSING, _UNHANDLED = "stream.unended", "shape.missing", "shape.unhandled"
_CONTENT_TYPE = "header content-type"
_LOOKED_AT = frozenset({Origin.LIVE, Origin.SIMULATED, Origin.MOCKED})


class Notes(Protocol):
    """Where records go, and our own errors."""

    def put(self, record: AnyRecord) -> None:
        """Hand a record on."""

    def put_fault(self, where: str, error: Exception) -> None:
        """Record that we got something wrong."""


class Source(Protocol):
    """What a difference was found in."""

    @property
    def exchange_id(self) -> str:
        """Of the exchange; empty for an object that a test made."""

    @property
    def owner(self) -> Owner | None:
        """Whose work it is."""

    @property
    def origin(self) -> Origin:
        """Where it came from."""


class Scrutiny:
    """Looks at the answers of one process."""

    def __init__(self, notes: Notes, clock: Clock, target: Target) -> None:
        """Load the contract.

        Raises:
            BaselineError: the project's baseline cannot be read.
            SettingsError: its waivers cannot be read.
        """
        self._notes = notes
        self._clock = clock
        self._target = target
        self._contract = Contract(_read_baseline(target))
        codes = [rule.code for rule in RULES]
        path = target.waivers
        self._waivers = () if path is None else read_waivers(path, codes)
        self._contract.decoder_of("message")  # made now, not when an answer waits
        self._contract.follow(Asked(), 200, {})
        self._for_mocks = self._contract.for_mocks()
        self._lock = threading.RLock()  # a response that is collected meanwhile ends, too
        self._counted: dict[tuple[object, ...], _Count] = {}
        self._put_lapsed()

    def look(self, answer: Answer) -> Held:
        """Return what came of one answer, and put or count what differs."""
        if not self._concerns(answer):
            return Held.NOT
        if answer.is_on_purpose:
            return Held.ON_PURPOSE
        drifts = self._drifts(answer)
        for drift in drifts:
            self.count(drift, answer, probe=answer.probe)
        return Held.DRIFTED if drifts else Held.KEPT

    @property
    def contract(self) -> Contract:
        """What answers are held against."""
        return self._contract

    @property
    def contract_for_mocks(self) -> Contract:
        """What is held against that tests make."""
        return self._for_mocks

    def settle(self) -> None:
        """Put how often came again what was put once."""
        with self._lock:
            counts = [count for count in self._counted.values() if count.again]
            for count in counts:
                again, count.again = count.again, 0
                at_s = self._clock.now_s()
                self._notes.put(msgspec.structs.replace(count.first, at_s=at_s, count=again))

    def count(
        self, drift: Drift, source: Source, built_at: str | None = None, *, probe: str = ""
    ) -> None:
        """Put a difference, or count one that equals one that was put.

        Args:
            drift: the difference.
            source: what it was found in.
            built_at: file:line that made it, if a test did.
            probe: the question of the gate's own that was answered so.
        """
        owner, origin = source.owner, source.origin
        name, layer = (None, None) if owner is None else (owner.id, owner.layer)
        place = _ITEM.sub("*", drift.path)
        impact, waiver = self._weigh(drift, place, probe)
        key: tuple[object, ...] = (drift.code, place, origin, layer, name, built_at, waiver)
        with self._lock:
            if key not in self._counted and len(self._counted) >= MAX_DISTINCT:
                place, name, built_at = ELSEWHERE, None, None
                key = (drift.code, place, origin, layer, name, built_at, waiver)
            known = self._counted.get(key)
            if known is not None:
                known.again += 1
                return
            record = ContractDrift(
                at_s=self._clock.now_s(),
                code=drift.code,
                impact=impact,
                place=place,
                expected=drift.expected,
                found=drift.found,
                exchange_id=source.exchange_id,
                owner=name,
                layer=layer,
                origin=origin,
                built_at=built_at,
                waiver=waiver,
            )
            self._counted[key] = _Count(record)
        self._notes.put(record)

    def _concerns(self, answer: Answer) -> bool:
        if answer.origin not in _LOOKED_AT or 300 <= answer.status < 400:
            return False
        if answer.body is None and answer.events is None:
            return False
        if answer.origin is Origin.SIMULATED and answer.host != self._target.host:
            return False  # a simulator of the test's own, which may have been told to do wrong
        if not (answer.is_whole or answer.is_stream):
            return False
        has_proof = self._target.proof_header in answer.headers
        is_edge = is_transient(answer.status) and not has_proof
        return not is_edge or answer.origin is Origin.MOCKED  # else the API itself said nothing

    def _drifts(self, answer: Answer) -> list[Drift]:
        drifts = self._compare(_asked(answer, answer.asked), answer)
        if not drifts:
            return []
        # Now it may take longer, and all that was asked is needed.
        whole = answer.asked if answer.sent is None else parse_object(answer.sent)
        drifts = self._compare(_asked(answer, whole or {}), answer)
        return [
            drift
            for drift in drifts
            if _counts(drift, answer) and not self._is_declared(drift.path)
        ]

    def _compare(self, asked: Asked, answer: Answer) -> list[Drift]:
        is_mock = answer.origin is Origin.MOCKED and not answer.is_beta
        contract = self._for_mocks if is_mock else self._contract
        is_stream = answer.is_stream and answer.status < 400 and asked.wants_stream
        if not is_stream:
            body = answer.body or b""
            return contract.glance(asked, answer.status, answer.headers, body, answer.value)
        watch = contract.follow(asked, answer.status, answer.headers)
        for event in answer.events or ():
            watch.feed(event)
        return watch.finish(was_cut=answer.was_cut)

    def _weigh(self, drift: Drift, place: str, probe: str) -> tuple[str, str | None]:
        """Return the impact, or that somebody answers for it, and the words of a waiver on it."""
        today, words = self._today(), None
        for one in self._waivers:
            if not any(one.is_about(drift.code, path) for path in (drift.path, place)):
                continue
            if one.has_expired(today):
                words = f"the waiver of {one.owner} expired on {one.expires}"
            elif one.probe in {None, probe}:
                return WAIVED, f"{one.reason} ({one.owner}, until {one.expires})"
            else:
                words = f"the waiver of {one.owner} is for the probe `{one.probe}` alone"
        return drift.impact.value, words

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_s(), UTC).date()

    def _put_lapsed(self) -> None:
        """Put the waivers that have expired: they are findings even if nothing differs."""
        for one in self._waivers:
            if one.has_expired(self._today()):
                lapsed = LapsedWaiver(
                    at_s=self._clock.now_s(),
                    code=one.code,
                    probe=one.probe,
                    path=one.path,
                    owner=one.owner,
                    expires=one.expires,
                )
                self._notes.put(lapsed)

    def _is_declared(self, path: str) -> bool:
        """Whether the environment says that another header proves an answer."""
        is_usual = self._target.proof_header == names.REQUEST_ID
        return not is_usual and path == f"header {names.REQUEST_ID}"


@dataclass(slots=True)
class _Count:
    first: ContractDrift
    again: int = 0  # since it was put


def _read_baseline(target: Target) -> Baseline:
    """Return what the project accepted, with what it declares to rely on."""
    accepted = make_baseline() if target.contract is None else _accepted(target.contract)
    declared = msgspec.convert(msgspec.to_builtins(target.relies_on), Reliance)
    relied = merge_reliances([accepted.reliance, declared])
    return msgspec.structs.replace(accepted, reliance=relied)


def _accepted(path: Path) -> Baseline:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BaselineError(
            f"{path}: cannot be read: {error.strerror}",
            hint="write one with `l9gate contract baseline`, or do not name it in the settings",
        ) from error
    return parse_baseline(text, str(path))


def _counts(drift: Drift, answer: Answer) -> bool:
    """Whether a drift is the API's, or that of a mock, which need not have its headers."""
    if drift.code == _UNENDED and not answer.is_whole:
        return False  # the caller stopped reading, or the network broke
    if answer.origin is not Origin.MOCKED:
        return True
    if drift.aspect is Aspect.HEADERS:
        return drift.path == _CONTENT_TYPE
    return not is_fine_in_mock(drift)


def is_fine_in_mock(drift: Drift) -> bool:
    """Whether a difference misleads no test.

    An SDK reads what may be null alike if it is not there; and what the API says, but the
    application has no branch for, is no fault of a mock.
    """
    is_read_as_none = drift.code == _MISSING and "null" in drift.expected.split(" or ")
    return is_read_as_none or drift.code == _UNHANDLED


def _asked(answer: Answer, body: JsonObject) -> Asked:
    return Asked(method=answer.method, path=answer.path, api_version=answer.api_version, body=body)
