"""Pages of the web that do not exist: which of them a tool may visit, and which it visits."""

import re
from urllib.parse import urlsplit

from l9gate.simulator.turns import blocks_of
from l9gate.wire.json import Json, JsonObject

_SITES = ("example.com", "example.org", "example.net")
_URL = re.compile(r"https?://[^\s\"'`<>()\[\]{}]+")


def site_of(tool: JsonObject) -> str:
    """Return a site that a tool may visit: the first that it names, else an example."""
    allowed = _domains(tool, "allowed_domains")
    if allowed:
        return allowed[0]
    free = [site for site in _SITES if is_allowed(tool, f"https://{site}/")]
    return free[0] if free else "simulated.example"


def find_page(tool: JsonObject, messages: list[JsonObject]) -> str:
    """Return the last address that a user wrote, else one of the tool's own choice."""
    sources = tool.get("url_sources")
    said = sources.get("user_input") if isinstance(sources, dict) else None
    if not isinstance(said, dict) or said.get("type") != "none":
        for message in reversed(messages):
            blocks = blocks_of(message) if message["role"] == "user" else []
            urls = _URL.findall(" ".join(str(block.get("text", "")) for block in blocks))
            if urls:
                return str(urls[-1]).rstrip(".,;:!?")
    return f"https://{site_of(tool)}/simulated"


def is_allowed(tool: JsonObject, url: str) -> bool:
    """Whether the domains that a tool names, allowed ones or blocked ones, let it visit a page."""
    address = f"{_host(url)}/"
    allowed, blocked = _domains(tool, "allowed_domains"), _domains(tool, "blocked_domains")
    is_named = any(_is_of(address, domain) for domain in allowed)
    return (is_named or not allowed) and not any(_is_of(address, domain) for domain in blocked)


def _is_of(address: str, domain: str) -> bool:
    return f".{address}".endswith(f".{domain.partition('/')[0]}/")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _domains(tool: JsonObject, name: str) -> list[str]:
    given: Json = tool.get(name)
    return [str(domain) for domain in given if domain] if isinstance(given, list) else []
