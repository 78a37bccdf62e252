"""Takes keys out of texts that we keep or print but did not write: reasons, output of tests."""

import re
from collections.abc import Iterable, Mapping

from l9gate.wire.json import Json

MARK = "[redacted]"
_KEY = re.compile(r"sk-ant-[A-Za-z0-9_-]{8,}")
_KEY_PREFIX = b"sk-ant-"
_LEAST_LENGTH = 8  # what is shorter is no key, and taking it out would garble other words
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class Redactor:
    """Replaces the given secrets, and whatever has the form of a key of the API."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret.strip() for secret in secrets}
        longest_first = sorted((one for one in known if len(one) >= _LEAST_LENGTH), key=len)[::-1]
        patterns = [*map(re.escape, longest_first), _KEY.pattern]
        self._pattern = re.compile("|".join(patterns))
        self._signs = (_KEY_PREFIX, *(secret.encode() for secret in longest_first))

    @classmethod
    def of_environ(cls, environ: Mapping[str, str], variables: Iterable[str] = ()) -> "Redactor":
        """Return one for the values of the credential variables, and of other ones by name."""
        return cls(environ.get(name, "") for name in (*CREDENTIALS, *variables))

    def redact(self, text: str) -> str:
        """Return the text without secrets."""
        return self._pattern.sub(MARK, text)

    def may_be_in(self, data: bytes) -> bool:
        """Whether encoded data holds a secret, or what may be one; quick, for every record."""
        return any(sign in data for sign in self._signs)

    def redact_all(self, value: Json) -> Json:
        """Return a value whose texts are without secrets, names of fields included."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {self.redact(name): self.redact_all(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.redact_all(inner) for inner in value]
        return value
