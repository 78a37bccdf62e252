"""Configuration, and the one decision that must never be guessed: real or mock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from neural_tools.errors import ConfigurationError

DEFAULT_BASE_URL = "https://api.anthropic.com"
DEFAULT_MODEL = "claude-haiku-5-5"

ENVIRONMENT_VARIABLE = "L9GATE_ENV"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
KEY_VARIABLES: Mapping[str, str] = {
    "development": "ANTHROPIC_API_KEY",
    "staging": "STAGING_API_KEY",
    "production": "PROD_API_KEY",
}


class Mode(StrEnum):
    """Where rankings come from."""

    REAL = "real"
    MOCK = "mock"


class Thinking(StrEnum):
    """What is asked of the model about thinking before it answers."""

    DEFAULT = "default"  # nothing is said; the model decides
    DISABLED = "disabled"
    ADAPTIVE = "adaptive"
    BETWEEN_TOOLS = "between_tools"


class Effort(StrEnum):
    """How much work the model puts into an answer."""

    DEFAULT = "default"  # nothing is said; the model decides
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides how candidates are re-ranked; validated on creation.

    Raises:
        ConfigurationError: a value that cannot be meant, or a mode that its environment forbids.
    """

    api_key: str = field(default="", repr=False)
    environment: str | None = None
    base_url: str = DEFAULT_BASE_URL
    model: str = DEFAULT_MODEL
    thinking: Thinking = Thinking.DISABLED
    effort: Effort = Effort.LOW
    deadline_s: float = 1.8
    attempts: int = 3  # the first and its retries, all inside the deadline
    candidates: int = 20
    cache_ttl_s: float = 900.0  # 0 switches the cache off
    cache_entries: int = 2048
    strict: bool = False  # a transient failure raises instead of degrading
    stream: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", self.api_key.strip())
        _check_key(self.api_key)
        _check_base_url(self.base_url)
        _check_numbers(self)
        if not self.model.strip():
            raise ConfigurationError("the model is empty", hint="set NEURAL_TOOLS_MODEL")
        if not self.api_key and self.environment != "development":
            raise _no_key(self.environment)

    @property
    def mode(self) -> Mode:
        """Real with a key; mock only without one and in explicit development."""
        return Mode.REAL if self.api_key else Mode.MOCK

    @property
    def key_variables(self) -> str:
        """The names of the variables that a key is taken from, for messages."""
        return _key_variables(self.environment)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings that variables describe.

        The key is `STAGING_API_KEY` or `PROD_API_KEY` in those environments, else
        `ANTHROPIC_API_KEY`. A blank variable counts as none.

        Raises:
            ConfigurationError: no key (outside explicit development), or a value that makes no
                sense; the message names the variable.
        """
        environment = environ.get(ENVIRONMENT_VARIABLE, "").strip() or None
        if environment is not None and environment not in KEY_VARIABLES:
            raise ConfigurationError(
                f"{ENVIRONMENT_VARIABLE} is `{environment}`, expected one of "
                + ", ".join(KEY_VARIABLES),
            )
        return cls(
            api_key=_key(environ, environment),
            environment=environment,
            base_url=environ.get("ANTHROPIC_BASE_URL", "").strip() or DEFAULT_BASE_URL,
            model=environ.get("NEURAL_TOOLS_MODEL", "").strip() or DEFAULT_MODEL,
            thinking=Thinking(_choice(environ, "NEURAL_TOOLS_THINKING", Thinking, "disabled")),
            effort=Effort(_choice(environ, "NEURAL_TOOLS_EFFORT", Effort, "low")),
            deadline_s=_number(environ, "NEURAL_TOOLS_DEADLINE_S", 1.8),
            attempts=_whole(environ, "NEURAL_TOOLS_ATTEMPTS", 3),
            candidates=_whole(environ, "NEURAL_TOOLS_CANDIDATES", 20),
            cache_ttl_s=_number(environ, "NEURAL_TOOLS_CACHE_TTL_S", 900.0),
            strict=_switch(environ, "NEURAL_TOOLS_STRICT"),
            stream=_switch(environ, "NEURAL_TOOLS_STREAM"),
        )


def _key(environ: Mapping[str, str], environment: str | None) -> str:
    own = KEY_VARIABLES.get(environment or "", KEY_VARIABLE)
    return environ.get(own, "").strip() or environ.get(KEY_VARIABLE, "").strip()


def _key_variables(environment: str | None) -> str:
    own = KEY_VARIABLES.get(environment or "", KEY_VARIABLE)
    return " or ".join(dict.fromkeys((own, KEY_VARIABLE)))


def _no_key(environment: str | None) -> ConfigurationError:
    names = _key_variables(environment)
    if environment is None:
        return ConfigurationError(
            f"no API key: {names} is unset or blank, and so is {ENVIRONMENT_VARIABLE}",
            hint=f"set {KEY_VARIABLE}; for labelled mock results set "
            f"{ENVIRONMENT_VARIABLE}=development explicitly",
        )
    return ConfigurationError(
        f"no API key in {environment}: {names} is unset or blank",
        hint=f"set {names}; mock results exist in development only",
    )


def _check_key(key: str) -> None:
    # A key with a line break or quotation marks from a secret store fails deep inside the HTTP
    # library as a connection error, which would degrade for ever instead of telling anybody.
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(
            "the API key holds characters that no key has (spaces, line breaks or non-ASCII)",
            hint=f"check how {', '.join(KEY_VARIABLES.values())} is set",
        )


def _check_base_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_usable = is_usable and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ConfigurationError(
            f"ANTHROPIC_BASE_URL is `{_without_credentials(base_url)}`, "
            "expected http://HOST[:PORT] or https://HOST[:PORT]"
        )


def _without_credentials(url: str) -> str:
    return url.rsplit("@", 1)[-1]


def _check_numbers(settings: Settings) -> None:
    limits = (
        ("deadline_s", settings.deadline_s, 0.0, 600.0),
        ("attempts", settings.attempts, 0, 10),
        ("candidates", settings.candidates, 0, 100),
        ("cache_entries", settings.cache_entries, 0, 10_000_000),
    )
    for name, value, above, at_most in limits:
        if not above < value <= at_most:
            raise ConfigurationError(
                f"`{name}` is {value}, expected more than {above} and at most {at_most}",
                hint=f"NEURAL_TOOLS_{name.upper()} sets it",
            )
    if not 0 <= settings.cache_ttl_s < float("inf"):
        raise ConfigurationError(
            f"`cache_ttl_s` is {settings.cache_ttl_s}, expected 0 or more seconds",
            hint="NEURAL_TOOLS_CACHE_TTL_S sets it; 0 switches the cache off",
        )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError as error:
        raise ConfigurationError(f"{name} is `{text}`, expected a number") from error


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    try:
        return int(text) if text else default
    except ValueError as error:
        raise ConfigurationError(f"{name} is `{text}`, expected a whole number") from error


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        raise ConfigurationError(f"{name} is `{text}`, expected true or false")
    return text in {"1", "true", "yes", "on"}


def _choice(environ: Mapping[str, str], name: str, kind: type[StrEnum], default: str) -> str:
    text = environ.get(name, "").strip().lower() or default
    choices = [choice.value for choice in kind]
    if text not in choices:
        raise ConfigurationError(f"{name} is `{text}`, expected one of {', '.join(choices)}")
    return text
