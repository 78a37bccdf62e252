"""Who may ask: keys in `x-api-key` or `Authorization: Bearer`, and the headers that must be there.

Without a list every well-formed key is accepted: `sk-` and at least five more characters, no white
space. One that holds the word `invalid` is refused, so that a refusal can be provoked.
"""

import re

from l9gate.simulator.betas import BETAS
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.wire.headers import API_KEY, API_VERSION, API_VERSIONS, AUTHORIZATION, BETA

_WELL_FORMED = re.compile(r"sk-\S{5,}")


def check_credentials(headers: dict[str, str], keys: frozenset[str] | None) -> Refusal | None:
    """Return the refusal of a request without a good key; with both headers `x-api-key` counts."""
    key = headers.get(API_KEY)
    if key is not None:
        accepted = _is_accepted(key.strip(), keys)
        return None if accepted else refuse("authentication_error", "invalid x-api-key")
    bearer = headers.get(AUTHORIZATION)
    if bearer is None:
        return refuse(
            "authentication_error",
            "x-api-key or authorization header is required",
        )
    scheme, _, token = bearer.partition(" ")
    if scheme.lower() == "bearer" and _is_accepted(token.strip(), keys):
        return None
    return refuse("authentication_error", "Invalid bearer token")


def key_of(headers: dict[str, str]) -> str | None:
    """Return the key that counts, None if there is none."""
    key = headers.get(API_KEY)
    if key is not None:
        return key.strip()
    return headers.get(AUTHORIZATION, "").partition(" ")[2].strip() or None


def check_version(headers: dict[str, str]) -> Refusal | None:
    """Return the refusal of a request without a known version, or with an unknown beta."""
    version = headers.get(API_VERSION)
    if version is None:
        return invalid("anthropic-version: header is required")
    if version not in API_VERSIONS:
        return invalid(f'anthropic-version: "{version[:40]}" is not a valid version')
    for beta in headers.get(BETA, "").split(","):
        if beta.strip() and beta.strip() not in BETAS:
            return invalid(
                f"Unexpected value(s) `{beta.strip()[:80]}` for the `anthropic-beta` header. "
                "Please consult our documentation at platform.claude.com/docs or try again "
                "without the header."
            )
    return None


def _is_accepted(key: str, keys: frozenset[str] | None) -> bool:
    if keys is not None:
        return key in keys
    return _WELL_FORMED.fullmatch(key) is not None and "invalid" not in key.lower()
