"""A run folder: what was judged, and the evidence."""

import msgspec

from l9gate.evidence.records import Layer, Origin

FORMAT_VERSION = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged; written before the first record."""

    format_version: int
    run_id: str
    package: str  # the project under test
    started_at: str  # RFC 3339, UTC
    git_revision: str | None
    git_dirty: bool | None
    environment: str
    endpoint: str  # scheme, host and port; no path, no credentials
    kind: Origin  # LIVE, or SIMULATED in a rehearsal
    layers: tuple[Layer, ...]  # the layers that were asked for
    model: str | None
    seed: int
    policy_hash: str  # sha256 of policy.toml in this folder, hex
    versions: dict[str, str]  # l9gate, python, anthropic, httpx2
