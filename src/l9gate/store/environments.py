"""Environments: which endpoint a run talks to, and which variable holds its key."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from l9gate.errors import MissingKeyError, SettingsError

API_URL = "https://api.anthropic.com"
COMMON_KEY_VARIABLE = "ANTHROPIC_API_KEY"
DEFAULT_ENVIRONMENT = "development"
ENVIRONMENT_VARIABLE = "L9GATE_ENV"

Kind = Literal["development", "staging", "production"]
_PerMinute = Annotated[int, msgspec.Meta(gt=0)]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOTHING_TESTED = "nothing was tested"


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the account may use; None where the API's own headers are to be believed."""

    requests_per_minute: _PerMinute | None = None
    input_tokens_per_minute: _PerMinute | None = None
    output_tokens_per_minute: _PerMinute | None = None


class DeclaredEnvironment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tool.l9gate.environments.<name>]` as written; what is absent is built in."""

    base_url: str | None = None
    key_variable: str | None = None
    kind: Kind | None = None
    quota: Quota | None = None
    budget_usd: Annotated[float, msgspec.Meta(gt=0)] | None = None
    request_id_header: str | None = None


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint and everything that a run must know about it, except the key."""

    name: str
    kind: Kind
    key_variable: str
    base_url: str | None = None  # as declared; `url` says which one counts
    quota: Quota = Quota()
    budget_usd: float | None = None
    request_id_header: str = "request-id"

    def url(self, environ: Mapping[str, str]) -> str:
        """Return the base URL: the declared one, else `ANTHROPIC_BASE_URL`, else the API's own.

        Raises:
            SettingsError: `ANTHROPIC_BASE_URL` is no URL.
        """
        if self.base_url is not None:
            return self.base_url
        url = environ.get("ANTHROPIC_BASE_URL", "").strip()
        return check_url(url, "ANTHROPIC_BASE_URL") if url else API_URL

    def key(self, environ: Mapping[str, str]) -> str:
        """Return the key: from the environment's own variable, else from `ANTHROPIC_API_KEY`.

        An empty or blank variable is no key.

        Raises:
            MissingKeyError: neither variable holds one.
        """
        return environ[self.key_source(environ)].strip()

    def key_source(self, environ: Mapping[str, str]) -> str:
        """Return the name of the variable that the key is taken from.

        Raises:
            MissingKeyError: none holds one.
        """
        for variable in (self.key_variable, COMMON_KEY_VARIABLE):
            if environ.get(variable, "").strip():
                return variable
        raise MissingKeyError(self._missing_key(), hint=self._missing_key_hint())

    def _missing_key(self) -> str:
        if self.key_variable == COMMON_KEY_VARIABLE:
            found = f"`{COMMON_KEY_VARIABLE}` is not set or empty"
        else:
            found = f"neither `{self.key_variable}` nor `{COMMON_KEY_VARIABLE}` holds one"
        return f"environment `{self.name}` needs an API key: {found}; {_NOTHING_TESTED}"

    def _missing_key_hint(self) -> str:
        return f"export {self.key_variable}=…, or add `--rehearse` to try it on the simulator"


def environment_name(environ: Mapping[str, str], option: str | None) -> str:
    """Return which environment is meant: `--env`, else `L9GATE_ENV`, else development."""
    if option is not None:
        return option
    return environ.get(ENVIRONMENT_VARIABLE, "").strip() or DEFAULT_ENVIRONMENT


def resolve(name: str, declared: DeclaredEnvironment) -> Environment:
    """Return the built-in environment of that name with the declared fields over it.

    A name that is not built in is of kind staging, where no mock is possible.
    """
    base = _BUILT_IN.get(
        name, Environment(name=name, kind="staging", key_variable=COMMON_KEY_VARIABLE)
    )
    changes = {field: value for field, value in _fields(declared) if value is not None}
    return msgspec.structs.replace(base, **changes)


def built_in_names() -> tuple[str, ...]:
    """Return the names of the environments that need no declaration."""
    return tuple(_BUILT_IN)


def check_environment(declared: DeclaredEnvironment, place: str) -> None:
    """Return if the values can be meant.

    Raises:
        SettingsError: a URL is no http(s) URL, or `key_variable` is no name of a variable.
    """
    if declared.base_url is not None:
        check_url(declared.base_url, f"{place}.base_url")
    variable = declared.key_variable
    if variable is not None and not _VARIABLE.fullmatch(variable):
        # The value is not shown: it may be the key itself, pasted into the wrong place.
        raise SettingsError(
            f"{place}.key_variable: expected the name of an environment variable",
            hint="write the name, such as `STAGING_API_KEY`; the key itself never goes into a file",
        )


def check_url(url: str, place: str) -> str:
    """Return the URL without a slash at its end.

    Raises:
        SettingsError: it is no http(s) URL, or holds credentials, a query or a fragment.
    """
    hint = f"write it like `{API_URL}`"
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise SettingsError(f"{place}: the URL is malformed: {error}", hint=hint) from error
    if "@" in parts.netloc:
        raise SettingsError(f"{place}: a URL must not hold credentials", hint=hint)
    if parts.scheme not in {"http", "https"} or not has_host or parts.query or parts.fragment:
        raise SettingsError(f"{place}: expected an http or https URL, got `{url}`", hint=hint)
    return url.rstrip("/")


def _fields(declared: DeclaredEnvironment) -> list[tuple[str, object]]:
    pairs = [(field, getattr(declared, field)) for field in declared.__struct_fields__]
    return [
        (name, value.rstrip("/") if name == "base_url" and value else value)
        for name, value in pairs
    ]


_BUILT_IN = {
    "development": Environment(
        name="development", kind="development", key_variable=COMMON_KEY_VARIABLE
    ),
    "staging": Environment(name="staging", kind="staging", key_variable="STAGING_API_KEY"),
    "production": Environment(name="production", kind="production", key_variable="PROD_API_KEY"),
}
