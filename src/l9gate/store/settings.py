"""`[tool.l9gate]` of pyproject.toml, or l9gate.toml: what a project tells the gate."""

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import msgspec

from l9gate.errors import SettingsError
from l9gate.evidence.records import Layer
from l9gate.store.caps import BudgetSettings
from l9gate.store.environments import (
    DeclaredEnvironment,
    Environment,
    Kind,
    Quota,
    built_in_names,
    check_environment,
    resolve,
)
from l9gate.store.ledger import LEDGER
from l9gate.store.relies_on import NOTHING, ReliesOn
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.prices import Price, PriceList

__all__ = [
    "Environment",
    "LayerSettings",
    "Settings",
    "default_settings",
    "read_settings",
    "settings_schema",
]

PYPROJECT = "pyproject.toml"
OWN_FILE = "l9gate.toml"
_Text = Annotated[str, msgspec.Meta(min_length=1)]
T = TypeVar("T", bound=msgspec.Struct)


class LayerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tests are a layer, and what pytest is told when it runs."""

    paths: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]  # relative to the project
    marker: _Text | None = None  # expression as for `pytest -m`
    arguments: tuple[str, ...] = ()  # further arguments to pytest
    proxy: bool = False  # record by a proxy, too, what programs in other languages send


class ContractSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tool.l9gate.contract]`: files of the project, relative to it, and what it relies on."""

    baseline: _Text = "l9gate-contract.json"  # what `l9gate contract baseline` accepted
    waivers: _Text = "l9gate-contract-waivers.toml"  # differences somebody answers for
    relies_on: ReliesOn = NOTHING


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tool.l9gate.load]`: what `l9gate load` drives where its options do not say so."""

    app: _Text | None = None  # async callable, as `package.module:function`
    workload: _Text | None = None  # a file, or a generator as `package.module:function`


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table as written."""

    policy: _Text | None = None
    package: _Text | None = None
    runs: _Text = ".l9gate/runs"
    model: _Text | None = None
    budget: BudgetSettings = BudgetSettings()
    contract: ContractSettings = ContractSettings()
    load: LoadSettings = LoadSettings()
    prices: dict[str, Price] = {}  # by model; a name may hold `*`
    layers: dict[Layer, LayerSettings] = {}
    environments: dict[str, DeclaredEnvironment] = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one project tells the gate, with every default filled in."""

    file: Path
    package: str
    runs: Path  # the folder of all runs
    policy: Path | None  # None: the policy that l9gate ships
    model: str | None  # what the application uses
    budget: BudgetSettings
    prices: PriceList
    contract_baseline: Path
    contract_waivers: Path
    relies_on: ReliesOn
    layers: dict[Layer, LayerSettings]
    load: LoadSettings
    declared_environments: dict[str, DeclaredEnvironment]

    @property
    def root(self) -> Path:
        """The project's folder, which all paths in the settings are relative to."""
        return self.file.parent

    @property
    def ledger(self) -> Path:
        """Where the money of all runs of the project is accounted for."""
        return self.root / LEDGER

    @property
    def accepted_contract(self) -> Path | None:
        """The baseline that answers are held against beside promises; None: nobody accepted one."""
        return self.contract_baseline if self.contract_baseline.is_file() else None

    @property
    def declared_waivers(self) -> Path | None:
        """The differences that somebody answers for; None: there are none."""
        return self.contract_waivers if self.contract_waivers.is_file() else None

    def environment(self, name: str) -> Environment:
        """Return a declared or built-in environment.

        Raises:
            SettingsError: there is none of that name.
        """
        declared = self.declared_environments.get(name)
        if declared is not None:
            return resolve(name, declared)
        if name in built_in_names():
            return resolve(name, DeclaredEnvironment())
        known = sorted({*built_in_names(), *self.declared_environments})
        raise SettingsError(
            f"environment `{name}` is not declared in {self.file}", hint=_hint(name, known)
        )

    def key_variables(self) -> frozenset[str]:
        """Return the names of all variables that may hold a key of this project."""
        names = {*built_in_names(), *self.declared_environments}
        return frozenset(self.environment(name).key_variable for name in names)


def read_settings(start: Path) -> Settings | None:
    """Return the settings that count for a folder: its own, else the nearest above it.

    None means that no file there speaks of l9gate.

    Raises:
        SettingsError: the file is no TOML, says something unknown, or a folder has two of them.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        own, pyproject = _read(folder / OWN_FILE), _read(folder / PYPROJECT)
        table = (_table(pyproject, "tool") or {}).get("l9gate")
        if own is not None and table is not None:
            raise SettingsError(
                f"{folder} has both {OWN_FILE} and [tool.l9gate] in {PYPROJECT}",
                hint="keep one of the two",
            )
        if own is not None:
            return _settings(folder / OWN_FILE, own, "", _project_name(pyproject))
        if table is not None:
            return _settings(folder / PYPROJECT, table, "tool.l9gate.", _project_name(pyproject))
    return None


def default_settings(root: Path) -> Settings:
    """Return what counts in a folder that has no settings: the defaults of every key."""
    return _settings(root / OWN_FILE, {}, "", None)


def settings_schema() -> JsonObject:
    """Return the JSON Schema of the table `[tool.l9gate]`, which is the whole of l9gate.toml."""
    return msgspec.json.schema(Declared)


def _read(path: Path) -> JsonObject | None:
    """Return the file as a table; None if there is none or it cannot concern us."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    if path.name == PYPROJECT and "l9gate" not in text:
        return {}
    try:
        table: JsonObject = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    return table


def _table(parent: Json, key: str) -> JsonObject | None:
    found = parent.get(key) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else None


def _project_name(pyproject: JsonObject | None) -> str | None:
    name = (_table(pyproject, "project") or {}).get("name")
    return name if isinstance(name, str) else None


def _settings(file: Path, table: Json, prefix: str, project: str | None) -> Settings:
    _check_parts(file, table, prefix)
    declared = _convert(file, table, Declared, prefix)
    for name, environment in declared.environments.items():
        check_environment(environment, f"{file}: {prefix}environments.{name}")
    return Settings(
        file=file,
        package=declared.package or project or file.parent.name,
        runs=file.parent / declared.runs,
        policy=file.parent / declared.policy if declared.policy else None,
        model=declared.model,
        budget=declared.budget,
        prices=PriceList(declared.prices),
        contract_baseline=file.parent / declared.contract.baseline,
        contract_waivers=file.parent / declared.contract.waivers,
        relies_on=declared.contract.relies_on,
        layers=declared.layers,
        load=declared.load,
        declared_environments=declared.environments,
    )


def _check_parts(file: Path, table: Json, prefix: str) -> None:
    """Convert the named tables one by one: msgspec does not say under which name an error is."""
    for name, part in (_table(table, "layers") or {}).items():
        place = f"{prefix}layers.{name}"
        if name not in set(Layer):
            raise SettingsError(f"{file}: {place}: no such layer", hint=_hint(name, list(Layer)))
        _convert(file, part, LayerSettings, f"{place}.")
    for name, part in (_table(table, "environments") or {}).items():
        _convert(file, part, DeclaredEnvironment, f"{prefix}environments.{name}.")
    for name, part in (_table(table, "prices") or {}).items():
        _convert(file, part, Price, f"{prefix}prices.{name}.")
    if isinstance(table, dict) and "budget" in table:
        _convert(file, table["budget"], BudgetSettings, f"{prefix}budget.")
    if isinstance(table, dict) and "contract" in table:
        relies_on = _table(table["contract"], "relies_on")
        if relies_on is not None:
            _convert(file, relies_on, ReliesOn, f"{prefix}contract.relies_on.")
        _convert(file, table["contract"], ContractSettings, f"{prefix}contract.")
    if isinstance(table, dict) and "load" in table:
        _convert(file, table["load"], LoadSettings, f"{prefix}load.")


def _convert(file: Path, table: Json, kind: type[T], prefix: str) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _settings_error(file, str(error), kind, prefix) from error


def _settings_error(
    file: Path, message: str, kind: type[msgspec.Struct], prefix: str
) -> SettingsError:
    what, _, path = message.partition(" - at `$")
    place = (prefix + path.rstrip("`").removeprefix(".")).rstrip(".")
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown is None:
        hint = f"there are: {', '.join(get_args(Kind))}" if "enum" in what else None
        what = what.replace("`object`", "a table").replace("`array`", "a list")
        return SettingsError(f"{file}: {place or 'the file'}: {what}", hint=hint)
    name = unknown[1]
    known = (Quota if path.startswith(".quota") else kind).__struct_fields__
    return SettingsError(
        f"{file}: {f'{place}.{name}'.removeprefix('.')}: no such key", hint=_hint(name, known)
    )


def _hint(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word, names, 1)
    return f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(names)}"
