"""Who may ask: keys in two headers, and which other headers must be there."""

import re

from l9gate.simulator.betas import BETAS, DEPRECATED_BETAS
from l9gate.simulator.keys import ANY_KEY, Key, KeyRing
from l9gate.simulator.profiles import Strictness
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.wire.headers import (
    API_KEY,
    API_VERSION,
    API_VERSIONS,
    AUTHORIZATION,
    BETA,
    WORKSPACE_ID,
)

_WORKSPACE = re.compile("wrkspc_[A-Za-z0-9]{1,64}")


def identify(headers: dict[str, str], ring: KeyRing, now_s: float) -> Key | Refusal:
    """Return the key of a request, or the refusal of one without a good key.

    With both headers `x-api-key` counts. A key that may not act for the workspace that the request
    names gets a 403.

    Args:
        headers: names in lower case.
        ring: the keys that are known.
        now_s: seconds since the epoch, to tell which keys have expired.
    """
    value = headers.get(API_KEY)
    message = "invalid x-api-key"
    if value is None:
        bearer = headers.get(AUTHORIZATION)
        if bearer is None:
            return refuse("authentication_error", "x-api-key or authorization header is required")
        scheme, _, value = bearer.partition(" ")
        message = "Invalid bearer token"
        if scheme.lower() != "bearer":
            return refuse("authentication_error", message)
    key = ring.find(value.strip(), now_s)
    if key is None:
        return refuse("authentication_error", message)
    workspace = headers.get(WORKSPACE_ID)
    if workspace is not None and not ring.is_open and workspace != key.workspace:
        return refuse(
            "permission_error", f"{WORKSPACE_ID}: the key does not belong to this workspace"
        )
    return key


def workspace_of(headers: dict[str, str], key: Key) -> str:
    """Return the workspace that a request acts for: a listed key's own, or the one it names."""
    chosen = headers.get(WORKSPACE_ID, "")
    return chosen if key is ANY_KEY and _WORKSPACE.fullmatch(chosen) else key.workspace


def key_of(headers: dict[str, str]) -> str | None:
    """Return the key that counts, None if there is none."""
    key = headers.get(API_KEY)
    if key is not None:
        return key.strip()
    return headers.get(AUTHORIZATION, "").partition(" ")[2].strip() or None


def check_version(headers: dict[str, str], strictness: Strictness = "strict") -> Refusal | None:
    """Return the refusal of a request without a known version, or with an unknown beta."""
    version = headers.get(API_VERSION)
    if version is None:
        return invalid("anthropic-version: header is required")
    if version not in API_VERSIONS:
        return invalid(f'anthropic-version: "{version[:40]}" is not a valid version')
    unknown = [beta for beta in betas_of(headers) if beta not in BETAS]
    if unknown and strictness == "strict":
        listed = ", ".join(f"`{beta[:80]}`" for beta in unknown[:10])
        return invalid(
            f"Unexpected value(s) {listed} for the `anthropic-beta` header. "
            "Please consult our documentation at platform.claude.com/docs or try again "
            "without the header."
        )
    return None


def betas_of(headers: dict[str, str]) -> list[str]:
    """Return the betas that a request names."""
    if BETA not in headers:
        return []
    return [beta.strip() for beta in headers.get(BETA, "").split(",") if beta.strip()]


def has_betas(headers: dict[str, str]) -> bool:
    """Whether a request names a beta that brings something, so that it may have more fields."""
    return any(beta not in DEPRECATED_BETAS for beta in betas_of(headers))
