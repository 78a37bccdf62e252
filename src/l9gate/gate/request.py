"""What a run was asked for, and its manifest."""

import platform
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from l9gate.criteria.criterion import Scope
from l9gate.criteria.policy import Policy
from l9gate.drive.order import WHOLE, Share
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.sequential import Stopping
from l9gate.net.preflight import endpoint_of
from l9gate.proxy.process import ProxyPlan
from l9gate.store.environments import Environment
from l9gate.store.revision import read_git_revision, read_versions
from l9gate.store.run import FORMAT_VERSION, Manifest
from l9gate.store.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What `l9gate run` was asked for, or `l9gate load` and its like."""

    settings: Settings
    layers: tuple[Layer, ...]
    environment: Environment
    is_rehearsal: bool = False
    seed: int = 1
    policy: Path | None = None
    narrowed: str | None = None
    budget_usd: float | None = None  # `--budget`
    stopping: Stopping | None = None  # `--stopping`; None: as the policy says
    proxy: ProxyPlan | None = None  # for all real layers; a layer's settings may ask for one, too
    sources: tuple[str, ...] = ()  # what is asked for beside layers: "load", "soak"
    model: str | None = None  # None: the project's
    share: Share = WHOLE  # of a load that others share elsewhere
    load_factor: float = 1.0  # of the simulator of a rehearsal: it multiplies every delay
    latency: Path | None = None  # of that simulator: a file with the pace of models
    time_factor: float = 1.0  # of that simulator: what expires ages so much faster
    token_lifetime_s: float | None = None  # of that simulator: of access tokens

    @property
    def calls_api(self) -> bool:
        """Whether anything in the run may call the API."""
        return bool(self.sources) or any(layer.is_real for layer in self.layers)

    @property
    def kind(self) -> Origin:
        """The origin that counts; the unit layer calls nobody, so it is never rehearsed."""
        is_simulated = self.is_rehearsal and self.calls_api
        return Origin.SIMULATED if is_simulated else Origin.LIVE


def scope_of_request(request: RunRequest, policy: Policy) -> Scope:
    """Return what a run is to show, before there is one."""
    return Scope(
        layers=request.layers,
        kind=request.kind,
        environment=request.environment.name,
        alpha=policy.alpha,
        sources=request.sources,
        stopping=request.stopping or policy.stopping,
    )


def manifest_of(request: RunRequest, endpoint: str) -> Manifest:
    """Return what is written down of a run before its first record."""
    revision, is_dirty = read_git_revision(request.settings.root)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Manifest(
        format_version=FORMAT_VERSION,
        run_id=uuid.uuid4().hex[:8],
        package=request.settings.package,
        started_at=now,
        git_revision=revision,
        git_dirty=is_dirty,
        environment=request.environment.name,
        endpoint=endpoint_of(endpoint),
        kind=request.kind,
        layers=request.layers,
        model=request.model or request.settings.model,
        seed=request.seed,
        policy_hash="",  # set with the folder, from the text itself
        versions={"python": platform.python_version()}
        | read_versions("l9gate", "anthropic", "httpx2", "pytest"),
        narrowed=request.narrowed,
        sources=request.sources,
        stopping=request.stopping or Stopping.FIXED,
        shard=request.share.shard,
        shards=request.share.shards,
    )


def describe_request(request: RunRequest, endpoint: str) -> str:
    """Return what is run, and against what, in one line."""
    what = ", ".join((*request.layers, *request.sources))
    if request.kind is Origin.SIMULATED:
        return f"{what} · rehearsal on the local simulator, nothing live"
    return f"{what} · environment {request.environment.name} · {endpoint_of(endpoint)}"
