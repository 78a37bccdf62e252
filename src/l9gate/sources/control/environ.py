"""The environment variables of a negative control: an endpoint of ours, and keys that open nothing.

A key is there, so that tests which skip themselves without one are run.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

BOGUS_KEY = "sk-ant-api03-l9gate-control-opens-nothing"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
BASE_URL_VARIABLES = (
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_BASE",
    "ANTHROPIC_API_URL",
    "ANTHROPIC_AWS_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
)
_KEY_NAME = re.compile(
    r"\b(?=[A-Z0-9_]*(?:ANTHROPIC|CLAUDE))[A-Z][A-Z0-9_]*(?:KEY|TOKEN)(?:_[A-Z0-9]+)*\b"
)
_CLOUD_SECRETS = frozenset(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"}
)
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
_DROPPED = re.compile(r"L9GATE_|COV_CORE_|ANTHROPIC_CUSTOM_HEADERS$")
_FOREIGN = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})
_MAX_FILES = 4000


def control_environ(
    environ: Mapping[str, str], base_url: str, key_variables: Iterable[str]
) -> dict[str, str]:
    """Return the variables for one session.

    Args:
        environ: what we were started with; its proxies are left out, its keys replaced.
        base_url: where every client shall call that asks its environment.
        key_variables: further names of variables that are to hold a key.
    """
    child = {
        name: value
        for name, value in environ.items()
        if not _DROPPED.match(name) and name.upper() not in _PROXIES
    }
    child |= dict.fromkeys((KEY_VARIABLE, *key_variables), BOGUS_KEY)
    for name, value in child.items():
        if _KEY_NAME.fullmatch(name) or name in _CLOUD_SECRETS or value.startswith("sk-ant-"):
            child[name] = BOGUS_KEY
    child |= dict.fromkeys(BASE_URL_VARIABLES, base_url)
    return child | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def find_key_variables(root: Path) -> frozenset[str]:
    """Return the names in a project's Python files that look like variables of an API key."""
    names: set[str] = set()
    for number, path in enumerate(_sources(root)):
        if number >= _MAX_FILES:
            break
        try:
            names.update(_KEY_NAME.findall(path.read_text(encoding="utf-8", errors="ignore")))
        except OSError:
            continue
    return frozenset(names)


def _sources(folder: Path) -> Iterable[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _FOREIGN or entry.is_symlink():
            continue
        if entry.is_dir():
            if not (entry / "pyvenv.cfg").exists():
                yield from _sources(entry)
        elif entry.suffix == ".py":
            yield entry
