"""Mock libraries that an application's calls pass by unseen, since its client has another library.

The SDK sends through httpx2 since 2.0; most mock libraries patch one named library. What sees what
was tried with anthropic 2.12 and httpx2 2.16.
"""

import sys
from importlib.metadata import PackageNotFoundError, version

_OWN_TRANSPORT = "hand in `httpx2.Client(transport=httpx2.MockTransport(…))`"
# module → distribution, and what does see httpx2
_BLIND = {
    "respx": ("respx", "use pytest-httpx2, which takes the same routes"),
    "pytest_httpx": ("pytest-httpx", "use httpx2-pytest, its fork with the fixture `httpx2_mock`"),
    "responses": ("responses", f"use pytest-httpx2, or {_OWN_TRANSPORT}"),
    "requests_mock": ("requests-mock", f"use pytest-httpx2, or {_OWN_TRANSPORT}"),
    "aioresponses": ("aioresponses", f"use pytest-httpx2, or {_OWN_TRANSPORT}"),
    "vcr": ("vcrpy", "use vcrpy 9, which does"),
}
_SEES_SINCE = {"vcr": 9}


def describe_blind_mocks() -> str | None:
    """Return which imported mock library cannot see httpx2, and what to use; None without one."""
    client = sys.modules.get("httpx2")
    if client is None or sys.modules.get("httpx") is client:  # `httpx2.alias_httpx()` opens eyes
        return None
    for module, (distribution, advice) in _BLIND.items():
        if module in sys.modules:
            found = _version(distribution)
            if module not in _SEES_SINCE or _major(found) < _SEES_SINCE[module]:
                name = f"{distribution} {found}".rstrip()
                return f"{name} cannot see httpx2, which sent this; {advice}"
    return None


def find_blind_mocks() -> list[tuple[str, str]]:
    """Return the installed ones as `name version`, each with what to use instead."""
    found = []
    for module, (distribution, advice) in _BLIND.items():
        number = _version(distribution)
        if number and (module not in _SEES_SINCE or _major(number) < _SEES_SINCE[module]):
            found.append((f"{distribution} {number}", advice))
    return found


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _major(found: str) -> int:
    first = found.partition(".")[0]
    return int(first) if first.isdecimal() else 0
