"""Time that passes faster, for what expires: cached prompts, keys, access tokens.

Delays and rate limits keep real time, so that a soak of minutes meets what an hour brings and yet
measures what it would measure.
"""

import hashlib

ACCESS_TOKEN = "sk-ant-oat"  # noqa: S105 - how values of access tokens begin


class Ageing:
    """How old things are, and which access tokens have expired."""

    def __init__(self, began_s: float, factor: float, token_lifetime_s: float | None) -> None:
        """Begin.

        Args:
            began_s: now, in seconds since the epoch.
            factor: so many seconds pass for what expires in each real one.
            token_lifetime_s: how long an access token is good from its first use; None: always.
        """
        self._began_s = began_s
        self._factor = factor
        self._token_lifetime_s = token_lifetime_s
        self._first_s: dict[bytes, float] = {}
        self._expired: set[bytes] = set()
        self.lives: float | None = None  # of its lifetimes, how long the one in longest use was

    @property
    def tokens_expired(self) -> int:
        """How many access tokens were refused because of their age."""
        return len(self._expired)

    def at(self, now_s: float) -> float:
        """Return the time for what expires."""
        return self._began_s + self._factor * (now_s - self._began_s)

    def expires(self, value: str | None) -> bool:
        """Whether a key's value is an access token that will expire."""
        is_token = value is not None and value.startswith(ACCESS_TOKEN)
        return is_token and self._token_lifetime_s is not None

    def has_expired(self, value: str | None, now_s: float) -> bool:
        """Whether an access token is older than it may be; its first use begins its life."""
        if value is None or self._token_lifetime_s is None or not self.expires(value):
            return False
        name = hashlib.blake2b(value.encode(), digest_size=16).digest()
        age_s = self.at(now_s) - self._first_s.setdefault(name, self.at(now_s))
        self.lives = max(self.lives or 0.0, age_s / self._token_lifetime_s)
        if age_s < self._token_lifetime_s:
            return False
        self._expired.add(name)
        return True
