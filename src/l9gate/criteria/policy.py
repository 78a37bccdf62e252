"""Policy file → criteria, claims and alert rules; every mistake names its line."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from l9gate.criteria.alerts import AlertRule, AlertSettings
from l9gate.criteria.completeness import NAME as RESERVED
from l9gate.criteria.confidence import Claim
from l9gate.criteria.criterion import Criterion, Finding, Scope
from l9gate.criteria.excerpt import WHERE_KEYS
from l9gate.criteria.expression import Condition, parse_condition, suggest
from l9gate.criteria.load_bursts import BURSTING
from l9gate.criteria.load_view import word_of
from l9gate.criteria.policy_file import (
    AlertTable,
    CriterionTable,
    PolicyFile,
    PolicyTables,
    Where,
)
from l9gate.criteria.presence import Presence, Refutation
from l9gate.criteria.quantities import BY_NAME, Rate, Sample, Scalar
from l9gate.criteria.snapshot import Snapshot
from l9gate.criteria.standing import Standing
from l9gate.criteria.threshold import SUSTAINED_S, Threshold
from l9gate.criteria.waiver import NotApplicable
from l9gate.errors import PolicyError
from l9gate.evidence.load import Arm, CallEnd
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer
from l9gate.measure.sequential import Stopping


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is asked of a run: criteria, claims of confidence, alert rules."""

    name: str
    text: str
    criteria: tuple[Criterion, ...]
    why: Mapping[str, str]  # by name of criterion
    claims: tuple[Claim, ...]
    alert_rules: tuple[AlertRule, ...]
    alert_settings: AlertSettings
    confidence: float
    looks: int
    stopping: Stopping

    @property
    def alpha(self) -> float:
        """The one-sided risk of a wrong bound; bounds for one look share it among the looks."""
        risk = round(1 - self.confidence, 12)
        return risk if self.stopping is Stopping.ANYTIME else risk / self.looks

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def asked(self, scope: Scope) -> tuple[Criterion, ...]:
        """Return the criteria whose layers and sources were all asked for, in the file's order."""
        return tuple(one for one in self.criteria if one.is_asked_of(scope))

    def judge(self, log: EvidenceLog, scope: Scope) -> tuple[Finding, ...]:
        """Return the finding of every asked criterion; the log is read once."""
        snapshot = Snapshot.of_log(log)
        return tuple(one.judge(snapshot, scope) for one in self.asked(scope))


def default_policy_text() -> str:
    """Return the text of the policy that is shipped."""
    return resources.files("l9gate.criteria").joinpath("default_policy.toml").read_text("utf-8")


def policy_text_of(path: Path | None) -> str:
    """Return the text of a policy file, of the shipped one for None.

    Raises:
        PolicyError: the file cannot be read.
    """
    if path is None:
        return default_policy_text()
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"policy `{path}` cannot be read: {error}") from error


def read_policy(path: Path) -> Policy:
    """Return the policy in a file.

    Raises:
        PolicyError: the file cannot be read, or does not state a policy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: not UTF-8 at byte {error.start}") from error
    return parse_policy(text, path.name)


def parse_policy(text: str, name: str = "policy.toml") -> Policy:
    """Return the policy that a TOML text states.

    Raises:
        PolicyError: it states none; the message names file, line and criterion.
    """
    file = PolicyFile(text, name)
    tables = file.tables()
    _check_names(file, tables)
    return Policy(
        name=name,
        text=text,
        criteria=tuple(
            _criterion(file, number, table) for number, table in enumerate(tables.criterion)
        ),
        why={table.name: table.why for table in tables.criterion},
        claims=tuple(
            Claim(
                requirement=table.requirement,
                layer=table.layer,
                value=table.value,
                assumption=table.assumption,
            )
            for table in tables.confidence
        ),
        alert_rules=tuple(_rule(file, number, table) for number, table in enumerate(tables.alert)),
        alert_settings=tables.alerts,
        confidence=tables.statistics.confidence,
        looks=tables.statistics.looks,
        stopping=tables.statistics.stopping,
    )


def _check_names(file: PolicyFile, tables: PolicyTables) -> None:
    for kind, names in (
        ("criterion", [table.name for table in tables.criterion]),
        ("alert", [table.name for table in tables.alert]),
    ):
        for number, name in enumerate(names):
            if name in names[:number] or name == RESERVED:
                raise file.error((kind, number, "name"), f"the name `{name}` is taken")


def _criterion(file: PolicyFile, number: int, table: CriterionTable) -> Criterion:
    asked: Criterion = _asked(file, number, table)
    if table.role_in:
        asked = Standing(criterion=asked, role_in=table.role_in)
    if table.not_applicable is None:
        return asked
    return NotApplicable(criterion=asked, waiver=table.not_applicable)


def _asked(file: PolicyFile, number: int, table: CriterionTable) -> Criterion:
    place = ("criterion", number)
    layers = frozenset(table.layers)
    if (table.require is None) is not (len(table.require_scenarios) > 0):
        raise file.error(place, "exactly one of `require` and `require_scenarios` is needed")
    if table.require is None:
        for key in ("where", "min_n", "min_window_s", "sources", "burst_s"):
            if getattr(table, key):
                raise file.error((*place, key), f"`{key}` has no meaning for scenarios")
        return Presence(
            name=table.name,
            role=table.role,
            layers=layers,
            scenarios=table.require_scenarios,
            requirements=table.requirements,
            refuted_by=_refutation(file, (*place, "refuted_by"), table.refuted_by),
        )
    if table.refuted_by is not None:
        raise file.error((*place, "refuted_by"), "`refuted_by` belongs to `require_scenarios`")
    condition = _condition(file, (*place, "require"), table.require)
    where = _where(file, place, table.where, condition)
    if table.burst_s is not None and not _may_burst(condition.quantity):
        raise file.error(
            (*place, "burst_s"),
            f"`burst_s` has no meaning for `{condition.quantity}`",
            hint="it belongs to samples and rates of calls, such as `p95(latency_s)`",
        )
    needed, dot, _ = condition.quantity.partition(".")
    if dot and not table.sources:
        raise file.error(
            (*place, "require"),
            f"`{condition.quantity}` is no quantity of a layer",
            hint=f'add `sources = ["{needed}"]`',
        )
    if layers and "layer" in where and where["layer"] not in layers:
        raise file.error(
            (*place, "where"), f"`where.layer` is `{where['layer']}`, which `layers` does not hold"
        )
    return Threshold(
        name=table.name,
        role=table.role,
        layers=layers,
        condition=condition,
        requirements=table.requirements,
        where=where,
        min_n=table.min_n or 0,
        min_window_s=SUSTAINED_S if table.min_window_s is None else table.min_window_s,
        sources=frozenset(table.sources),
        burst_s=table.burst_s,
    )


def _refutation(
    file: PolicyFile, place: tuple[str | int, ...], text: str | None
) -> Refutation | None:
    if text is None:
        return None
    condition = _condition(file, place, text)
    quantity = BY_NAME[condition.quantity]
    if not isinstance(quantity, Scalar):
        raise file.error(
            place, f"`{text}`: a single number is needed", hint="such as `cache_stale > 0`"
        )
    return Refutation(quantity, condition)


def _rule(file: PolicyFile, number: int, table: AlertTable) -> AlertRule:
    place = ("alert", number)
    condition = _condition(file, (*place, "when"), table.when)
    if not isinstance(BY_NAME[condition.quantity], Sample | Rate):
        raise file.error(
            (*place, "when"),
            f"`{table.when}`: an alert needs a sample or a rate",
            hint="such as `p95(latency_s)` or `rate(error)`",
        )
    return AlertRule(
        name=table.name,
        requirement=table.requirement,
        severity=table.severity,
        when=condition,
        where=_where(file, place, table.where, condition),
    )


def _condition(file: PolicyFile, place: tuple[str | int, ...], text: str) -> Condition:
    try:
        return parse_condition(text)
    except PolicyError as error:
        raise file.error(place, str(error), hint=error.hint) from error


def _where(
    file: PolicyFile, place: tuple[str | int, ...], where: Where, condition: Condition
) -> dict[str, str]:
    """Return `where` as words, once every key narrows what the condition asks for."""
    keys = BY_NAME[condition.quantity].keys
    words: dict[str, str] = {}
    for key, value in where.items():
        at = (*place, "where", key)
        if key not in WHERE_KEYS:
            raise file.error(at, f"`where.{key}`: no such key", hint=suggest(key, WHERE_KEYS))
        if key not in keys:
            raise file.error(
                at,
                f"`where.{key}` does not narrow `{condition.quantity}`",
                hint=f"it takes {', '.join(sorted(keys)) or 'no where'}",
            )
        words[key] = _word(file, at, key, value)
    return words


def _word(file: PolicyFile, at: tuple[str | int, ...], key: str, value: str | bool) -> str:
    if (key in ("stream", "tools")) is not isinstance(value, bool):
        expected = "true or false" if key in ("stream", "tools") else "a text"
        raise file.error(at, f"`where.{key}` is {expected}, not `{value}`")
    word = str(value).lower() if isinstance(value, bool) else value
    known = _CHOICES.get(key)
    if known is not None and word not in known:
        raise file.error(at, f"`where.{key}`: no {key} `{word}`", hint=suggest(word, known))
    if key == "route" and not _is_route(word):
        raise file.error(
            at, f"`where.route`: `{word}` is no route", hint='write `"POST /v1/messages"`'
        )
    return word


def _may_burst(quantity: str) -> bool:
    """Whether samples of a quantity have a time each, by which bursts are told apart."""
    return isinstance(BY_NAME[quantity], Sample | Rate) or quantity in BURSTING


_CHOICES: dict[str, tuple[str, ...]] = {
    "layer": tuple(Layer),
    "arm": tuple(Arm),
    "end": tuple(word_of(end) for end in CallEnd),
}


def _is_route(word: str) -> bool:
    method, _, path = word.partition(" ")
    return method.isupper() and path.startswith("/")
