"""Takes keys out of texts that we keep or print but did not write: reasons, output of tests."""

import re
from collections.abc import Iterable, Mapping

MARK = "[redacted]"
_KEY = re.compile(r"sk-ant-[A-Za-z0-9_-]{8,}")
_LEAST_LENGTH = 8  # what is shorter is no key, and taking it out would garble other words
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class Redactor:
    """Replaces the given secrets, and whatever has the form of a key of the API."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret.strip() for secret in secrets}
        longest_first = sorted((one for one in known if len(one) >= _LEAST_LENGTH), key=len)[::-1]
        patterns = [*map(re.escape, longest_first), _KEY.pattern]
        self._pattern = re.compile("|".join(patterns))

    @classmethod
    def of_environ(cls, environ: Mapping[str, str], variables: Iterable[str] = ()) -> "Redactor":
        """Return one for the values of the credential variables, and of other ones by name."""
        return cls(environ.get(name, "") for name in (*CREDENTIALS, *variables))

    def redact(self, text: str) -> str:
        """Return the text without secrets."""
        return self._pattern.sub(MARK, text)
