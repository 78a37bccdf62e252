"""Keys as data: which are known, what each may do, and whose they are.

Without a list every well-formed key works: `sk-` and at least five more characters, no white space.
One that holds the word `invalid` is refused, so that a refusal can be provoked.

    [[key]]
    name = "ci"                            # shown instead of the key
    value = "sk-test-ci-1"
    state = "valid"                        # see `State`
    expires_at = 2026-12-01T00:00:00Z      # refused from then on
    organization = "0f3c…"                 # rate limits are an organization's
    workspace = "wrkspc_01Ci"              # the prompt cache is a workspace's
    models = ["claude-haiku-5-5"]          # others do not exist for this key
    limits = { requests_per_min = 50, input_tokens_per_min = 30000, output_tokens_per_min = 8000 }
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, get_args

import msgspec

from l9gate.criteria.place import line_of
from l9gate.errors import PlanError
from l9gate.simulator.limits import Tier
from l9gate.simulator.refusal import Refusal, invalid, refuse

ORGANIZATION = "00000000-0000-4000-8000-519a7e000000"
WORKSPACE = "wrkspc_01SimuLated"
State: TypeAlias = Literal[
    "valid",
    "revoked",  # 401
    "forbidden",  # 403
    "out_of_credit",  # 402
    "linked_billing_unavailable",  # 402 with a code
    "linked_spend_limit",  # 402 with a code
    "spend_limit",  # 400: a limit that the customer set
    "workspace_spend_limit",  # 400
    "on_hold",  # 400 with a code
    "monthly_cap",  # 429 without `retry-after`
    "contract_cap",  # 429 without `retry-after`
]
_WELL_FORMED = re.compile(r"sk-\S{5,}")
_LATER = "You will regain access when the limit is raised or the period ends."
_REFUSALS = {
    "forbidden": refuse(
        "permission_error", "Your API key does not have permission to use the specified resource."
    ),
    "out_of_credit": refuse(
        "billing_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing "
        "to upgrade or purchase credits.",
    ),
    "linked_billing_unavailable": refuse(
        "billing_error",
        "The billing of the linked organization is unavailable.",
        "linked_organization_billing_unavailable",
    ),
    "linked_spend_limit": refuse(
        "billing_error",
        "The linked organization has reached its spend limit.",
        "linked_organization_spend_limit_reached",
    ),
    "spend_limit": invalid(f"You have reached your specified API usage limits. {_LATER}"),
    "workspace_spend_limit": invalid(
        f"You have reached your specified workspace API usage limits. {_LATER}"
    ),
    "on_hold": invalid("Your organization is on hold.", "organization_on_hold"),
    "monthly_cap": refuse(
        "rate_limit_error",
        "Your organization has reached the monthly spend limit of its usage tier.",
        "enforced_spend_limit_reached",
    ),
    "contract_cap": refuse(
        "rate_limit_error",
        "Your organization has reached the spend limit of its contract.",
        "contract_spend_limit_reached",
    ),
}


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key; its value is in no text that is made of it."""

    name: str
    value: Annotated[str, msgspec.Meta(pattern=r"^\S+$")]
    state: State = "valid"
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    organization: Annotated[str, msgspec.Meta(min_length=1)] = ORGANIZATION
    workspace: Annotated[str, msgspec.Meta(pattern="^wrkspc_[A-Za-z0-9]+$")] = WORKSPACE
    models: tuple[str, ...] | None = None  # ids as they are answered; None: all
    limits: Tier | None = None  # None: those of the simulator

    def __repr__(self) -> str:
        """Leave out the value."""
        return f"Key(name={self.name!r}, state={self.state!r})"

    def authenticates(self, now_s: float) -> bool:
        """Whether the key is neither revoked nor expired, at a time in seconds since the epoch."""
        is_expired = self.expires_at is not None and now_s >= self.expires_at.timestamp()
        return self.state != "revoked" and not is_expired

    def refusal(self, *, costs: bool) -> Refusal | None:
        """Return the refusal of a key that authenticates and yet may not ask.

        Args:
            costs: whether the request would be billed; spend limits refuse no other.
        """
        return _REFUSALS.get(self.state) if costs or self.state == "forbidden" else None


ANY_KEY = Key(name="any", value="any")


@lru_cache(maxsize=1024)  # clients ask again and again with the same few keys
def _is_well_formed(value: str) -> bool:
    return _WELL_FORMED.fullmatch(value) is not None and "invalid" not in value.lower()


class KeyRing:
    """The keys that a simulator knows; an open ring takes every well-formed one."""

    def __init__(self, keys: Iterable[Key] | None = None) -> None:
        self._by_value = None if keys is None else {key.value: key for key in keys}

    def __repr__(self) -> str:
        """Name the keys, show none."""
        known = self._by_value
        names = "any" if known is None else ", ".join(key.name for key in known.values())
        return f"KeyRing({names})"

    @property
    def is_open(self) -> bool:
        """Whether every well-formed key works."""
        return self._by_value is None

    @classmethod
    def of(cls, keys: "KeyRing | frozenset[str] | None") -> "KeyRing":
        """Return a ring of keys that are all valid, or the ring that is given."""
        if isinstance(keys, KeyRing):
            return keys
        if keys is None:
            return cls()
        named = enumerate(sorted(keys), 1)
        return cls(Key(name=f"key {number}", value=value) for number, value in named)

    @classmethod
    def from_tables(cls, tables: Mapping[str, object], name: str = "keys") -> Self:
        """Return the ring that a dictionary describes, as the file would.

        Raises:
            PlanError: it says something that cannot be meant.
        """
        return cls(_Source(name, "").keys(tables))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the ring that a TOML file describes.

        Raises:
            PlanError: the file cannot be read, or says something that cannot be meant.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(
                f"{path}: keys cannot be read: {error}", hint="name a TOML file with `[[key]]`"
            ) from error
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PlanError(f"{path}: no TOML: {error}") from error
        return cls(_Source(path.name, text).keys(tables))

    def find(self, value: str, now_s: float) -> Key | None:
        """Return the key of this value, None if it does not authenticate at that time."""
        if self._by_value is None:
            return ANY_KEY if _is_well_formed(value) else None
        key = self._by_value.get(value)
        return key if key is not None and key.authenticates(now_s) else None


class _Source:
    """Where keys are written, to name the line of a mistake."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def keys(self, tables: Mapping[str, object]) -> list[Key]:
        """Return the keys of all tables `[[key]]`."""
        for name in tables:
            if name != "key":
                raise self._error(
                    (name,), f"`{name}`: no such table", "a table is called `[[key]]`"
                )
        given = tables.get("key")
        if not isinstance(given, list) or not given:
            raise self._error((), "no keys", "write a table `[[key]]` for each key")
        keys: list[Key] = []
        for index, table in enumerate(given):
            key = self._key(index, table)
            for other in keys:
                if key.value == other.value:
                    raise self._error(
                        ("key", index, "value"), f"`{key.name}` is the same key as `{other.name}`"
                    )
            keys.append(key)
        return keys

    def _key(self, index: int, table: object) -> Key:
        fields = table if isinstance(table, dict) else {}
        for name in fields:
            self._check_name(("key", index, name), Key.__struct_fields__)
        limits = fields.get("limits")
        for name in limits if isinstance(limits, dict) else ():
            self._check_name(("key", index, "limits", name), Tier.__struct_fields__)
        try:
            return msgspec.convert({"name": f"key {index + 1}", **fields}, Key)
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at `$.")
            field = re.match(r"\w+", place)
            name = field[0] if field else "key"
            hint = f"expected one of {', '.join(get_args(State))}" if name == "state" else None
            at = ("key", index, name)
            raise self._error(at, f"key {index + 1}: `{name}`: {what}", hint) from error

    def _check_name(self, place: tuple[str | int, ...], known: tuple[str, ...]) -> None:
        name = str(place[-1])
        if name not in known:
            raise self._error(place, f"`{name}`: no such field", f"fields are {', '.join(known)}")

    def _error(
        self, place: tuple[str | int, ...], message: str, hint: str | None = None
    ) -> PlanError:
        line = line_of(self._text, place) if place else None
        where = self._name if line is None else f"{self._name} line {line}"
        return PlanError(f"{where}: {message}", hint=hint)
