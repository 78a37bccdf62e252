"""The tables of a policy file, typed; what does not fit them is an error with its line."""

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec

from l9gate.criteria.alerts import AlertSettings, Severity
from l9gate.criteria.criterion import Role
from l9gate.criteria.expression import suggest
from l9gate.criteria.place import Path, line_of
from l9gate.criteria.waiver import Waiver
from l9gate.errors import PolicyError
from l9gate.evidence.load import Source
from l9gate.evidence.records import Layer
from l9gate.measure.sequential import Stopping

FORMAT = 1

Where: TypeAlias = dict[str, str | bool]
_Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
_Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_Positive: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]


class StatisticsTable(msgspec.Struct, frozen=True, kw_only=True):
    """How sure is sure enough."""

    confidence: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] = 0.95
    looks: _Count = 1
    stopping: Stopping = Stopping.FIXED


class CriterionTable(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion as it is written."""

    name: _Name
    role: Role
    role_in: dict[str, Role] = {}  # in environments of these names
    why: str
    requirements: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    sources: tuple[Source, ...] = ()
    require: str | None = None
    require_scenarios: tuple[str, ...] = ()
    refuted_by: str | None = None  # a condition that shows the scenarios' tests wrong
    where: Where = {}
    min_n: _Count | None = None
    min_window_s: _Positive | None = None
    burst_s: _Positive | None = None
    not_applicable: Waiver | None = None


class ClaimTable(msgspec.Struct, frozen=True, kw_only=True):
    """One claim of confidence; without a layer it is the overall one."""

    requirement: str
    value: _Share
    assumption: str
    layer: Layer | None = None


class AlertTable(msgspec.Struct, frozen=True, kw_only=True):
    """One alert rule as it is written."""

    name: _Name
    requirement: str
    severity: Severity
    when: str
    where: Where = {}


class PolicyTables(msgspec.Struct, frozen=True, kw_only=True):
    """A whole policy as it is written."""

    format: int
    statistics: StatisticsTable = StatisticsTable()
    criterion: tuple[CriterionTable, ...] = ()
    confidence: tuple[ClaimTable, ...] = ()
    alerts: AlertSettings = AlertSettings()
    alert: tuple[AlertTable, ...] = ()


_TABLES: dict[str, type[msgspec.Struct]] = {
    "statistics": StatisticsTable,
    "criterion": CriterionTable,
    "confidence": ClaimTable,
    "alerts": AlertSettings,
    "alert": AlertTable,
}
_WORDS: dict[str, tuple[str, ...]] = {
    "role": tuple(Role),
    "layer": tuple(Layer),
    "layers": tuple(Layer),
    "sources": tuple(Source),
    "severity": tuple(Severity),
    "stopping": tuple(Stopping),
}


class PolicyFile:
    """The text of a policy under its name: reads its tables and names places in it."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._data: dict[str, object] = {}

    def tables(self) -> PolicyTables:
        """Return the tables.

        Raises:
            PolicyError: the text is no TOML, or holds what no policy holds.
        """
        self._data = self._toml()
        version = self._data.get("format")
        if version != FORMAT:
            found = "no `format`" if version is None else f"`format = {version}`"
            raise self.error(("format",), f"{found}; this version reads `format = {FORMAT}`")
        self._check_keys(self._data, PolicyTables, ())
        try:
            return msgspec.convert(self._data, PolicyTables)
        except msgspec.ValidationError as error:
            raise self._explained(str(error)) from error

    def error(self, place: Path, message: str, *, hint: str | None = None) -> PolicyError:
        """Return an error that names file, line and table of a place."""
        line = line_of(self._text, place)
        where = self._name if line is None else f"{self._name} line {line}"
        label = self._label(place)
        return PolicyError(f"{where}: {label}{message}", hint=hint)

    def _toml(self) -> dict[str, object]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            match = re.fullmatch(r"(.*) \(at (line \d+), (column \d+)\)", str(error), re.DOTALL)
            if match is None:
                raise PolicyError(f"{self._name}: no TOML: {error}") from error
            raise PolicyError(
                f"{self._name} {match[2]}, {match[3]}: no TOML: {match[1]}"
            ) from error
        except RecursionError as error:
            raise PolicyError(f"{self._name}: no TOML: nested too deeply") from error

    def _check_keys(
        self, data: Mapping[str, object], struct: type[msgspec.Struct], place: tuple[str | int, ...]
    ) -> None:
        """Refuse a key that the table does not know."""
        known = struct.__struct_fields__
        for key, value in data.items():
            at = (*place, key)
            if key not in known:
                raise self.error(at, f"`{key}`: no such key", hint=suggest(key, known))
            if place or key not in _TABLES:
                if key == "not_applicable" and isinstance(value, dict):
                    self._check_keys(value, Waiver, at)
                continue
            if isinstance(value, dict):
                self._check_keys(value, _TABLES[key], at)
            elif isinstance(value, list):
                for number, item in enumerate(value):
                    if isinstance(item, dict):
                        self._check_keys(item, _TABLES[key], (*at, number))

    def _explained(self, message: str) -> PolicyError:
        """Return msgspec's complaint with the place that it names."""
        what, _, path = message.partition(" - at `$")
        place: list[str | int] = [
            int(part) if part.isdigit() else part for part in re.findall(r"\w+", path)
        ]
        inside = place[2:] if len(place) > 1 and isinstance(place[1], int) else place
        key = next((part for part in reversed(inside) if isinstance(part, str)), "")
        wrong = re.search(r"Invalid enum value '(.*)'", what)
        if wrong is not None and key in _WORDS:
            return self.error(
                place, f"`{key}`: no `{wrong[1]}`", hint=suggest(wrong[1], _WORDS[key])
            )
        what = what[:1].lower() + what[1:]
        return self.error(place, f"`{key}`: {what}" if key else what)

    def _label(self, place: Path) -> str:
        """Return the table that a place is in, by name if it has one."""
        if len(place) < 2 or not isinstance(place[1], int):
            return ""
        tables = self._data.get(str(place[0]))
        table = tables[place[1]] if isinstance(tables, list) and place[1] < len(tables) else None
        name = table.get("name") if isinstance(table, dict) else None
        return f"{place[0]} `{name}`: " if isinstance(name, str) else f"{place[0]} {place[1] + 1}: "
