"""One load by several machines, on a Ray cluster: an actor for each shard.

Ray starts, places and watches. Nothing that is lost is started again: a share that another took
over would be a schedule that nobody asked for.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

import msgspec

from l9gate.errors import DependencyError, PlanError
from l9gate.evidence.codec import decode_record
from l9gate.sources.bench import Bench
from l9gate.sources.load.crew import Member, OnProgress, SharedEnd, lead, shares_of
from l9gate.sources.load.distant import DistantShard, Job, Money, decode_parcel
from l9gate.sources.load.plan import LoadAssignment
from l9gate.sources.load.wording import Task
from l9gate.store.account import Account, Grant

GRACE_S = 10.0
_INSTALL = "pip install 'l9gate[ray]', here and on every node, of one version"


class _Reference(Protocol):
    def future(self) -> "Future[bytes]": ...


class _Method(Protocol):
    def remote(self, *words: float) -> _Reference: ...


class _Handle(Protocol):
    begin: _Method
    stop: _Method
    fetch: _Method


async def drive_on_ray(
    plan: LoadAssignment, bench: Bench, on_progress: OnProgress | None = None
) -> SharedEnd:
    """Carry a load out on a cluster that runs already; what shards measure comes here and is put.

    The workload has to be there on every node. The key travels in Ray's own messages.

    Args:
        plan: the load; `workers` shards, each on a CPU of its own. What is left of its account is
            set aside in equal parts.
        bench: takes all records, and a fault for each shard that is lost.
        on_progress: called about once a second with all shards together; True ends the load.

    Raises:
        DependencyError: there is no Ray or no cluster, or a shard did not get ready.
        PlanError: the cluster has fewer CPUs than there are shards.
        L9gateError: as the first shard to fail says.
    """
    _connect(plan.place.cluster, plan.place.workers)
    try:
        parts = _set_aside(plan.account, plan.place.workers)
        crew = [
            _Actor(Task(order=plan.order, share=share), plan.key, bench, part)
            for share, part in zip(shares_of(plan.place.workers), parts, strict=True)
        ]
        return await lead(plan.order, crew, bench, on_progress)
    finally:
        _disconnect()


class _Actor(Member):
    """One shard on some node."""

    def __init__(self, task: Task, key: str, bench: Bench, part: "_Part") -> None:
        super().__init__(task.share, bench)
        self._job = msgspec.json.encode(Job(task=task, money=part.money))
        self._key = key
        self._grant = part.grant
        self._handle: _Handle | None = None
        self._why = "no word from it"
        self._has_ended = asyncio.Event()

    async def start(self) -> None:
        """Have Ray place it."""
        import ray

        options = {
            "num_cpus": 1,
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": 4,
            "scheduling_strategy": "SPREAD",
        }
        self._handle = ray.remote(**options)(DistantShard).remote(self._job, self._key)

    def begin(self, starts_s: float) -> None:
        """Say when offset 0 is due."""
        if self._handle is not None:
            self._handle.begin.remote(starts_s)

    def stop(self) -> None:
        """Have it send nothing more."""
        if self._handle is not None:
            self._handle.stop.remote()

    async def follow(self) -> None:
        """Fetch what it measured and says, until that was the last or it is lost."""
        from ray.exceptions import RayError

        assert self._handle is not None  # noqa: S101  # it was started
        try:
            while True:
                parcel = decode_parcel(
                    await asyncio.wrap_future(self._handle.fetch.remote().future())
                )
                for data in parcel.records:
                    self.bench.sink.put(decode_record(data))
                for said in parcel.said:
                    self.take(said)
                if parcel.is_last:
                    if self._grant is not None:
                        self._grant.settle(parcel.spent_usd)
                    return
        except RayError as error:
            self._why = type(error).__name__
        finally:
            self._has_ended.set()

    async def end(self) -> None:
        """Let it send home what it has and stop; then for certain."""
        import ray

        if self._handle is None:
            return
        if not self._has_ended.is_set():
            self.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await self._has_ended.wait()
        ray.kill(self._handle)

    def why_lost(self) -> str:
        """Return what Ray says of it."""
        return self._why


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one shard, as it is told there and as it is counted here."""

    money: Money | None = None
    grant: Grant | None = None


def _connect(address: str, shards: int) -> None:
    try:
        import ray
    except ImportError as error:
        raise DependencyError("`--engine ray` needs Ray", hint=_INSTALL) from error
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError) as error:
        raise DependencyError(
            f"no Ray cluster at `{address}`: {error}",
            hint="start one with `ray start --head`, or name it in RAY_ADDRESS",
        ) from error
    cpus = int(ray.cluster_resources().get("CPU", 0))
    if cpus < shards:
        ray.shutdown()
        raise PlanError(
            f"{shards} workers need a CPU each, the Ray cluster has {cpus}",
            hint="add nodes with `ray start --address …`, or ask for fewer workers",
        )


def _disconnect() -> None:
    import ray

    ray.shutdown()


def _set_aside(account: Account | None, shards: int) -> Sequence[_Part]:
    """Set what is left aside, in equal parts; a lost shard's part stays counted as spent.

    Raises:
        BudgetError: nothing is left.
    """
    if account is None:
        return [_Part()] * shards
    left_usd = account.left_usd()
    usd = None if left_usd is None else left_usd / shards
    money = Money(kind=account.kind, usd=usd, prices=account.prices)
    return [_Part(money=money, grant=account.grant(usd or 0.0)) for _ in range(shards)]
