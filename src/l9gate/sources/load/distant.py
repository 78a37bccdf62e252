"""One shard of a load on another machine: no run folder and no ledger of the project is there.

Records come home as bytes, in parcels. Money is a sum that was set aside at home: the shard keeps
an account of its own on it and says at the end what it spent.
"""

import asyncio
import tempfile
import threading
from pathlib import Path

import msgspec

from l9gate.errors import InterruptedRunError, L9gateError
from l9gate.evidence.codec import encode_record
from l9gate.evidence.records import AnyRecord, Origin
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory
from l9gate.sources.load.shard import Tell, carry_out
from l9gate.sources.load.wording import Failed, Said, Task
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.prices import PriceList
from l9gate.wire.redaction import Redactor

_RUN = "shard"
_SOURCE = "what was set aside for this shard"
PARCEL_S = 1.0  # at most between two parcels


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What one shard may spend, and at which prices."""

    kind: Origin
    usd: float | None  # None: nothing is paid for
    prices: PriceList


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a distant shard is started with, without the key."""

    task: Task
    money: Money | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a shard since the last one."""

    records: tuple[bytes, ...] = ()  # as `encode_record` gives them
    said: tuple[Said, ...] = ()
    spent_usd: float = 0.0  # so far; calls in flight at their bound
    is_last: bool = False


class Basket:
    """Takes records and messages until somebody fetches them; safe to use from several threads."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lock = threading.Lock()
        self._records: list[bytes] = []
        self._said: list[Said] = []

    def put(self, record: AnyRecord) -> None:
        """Accept one record."""
        data = encode_record(record, self._redactor)
        with self._lock:
            self._records.append(data)

    def flush(self) -> None:
        """Do nothing: what is not fetched is lost with this process."""

    def tell(self, message: Said) -> None:
        """Accept one message."""
        with self._lock:
            self._said.append(message)

    def empty(self) -> tuple[tuple[bytes, ...], tuple[Said, ...]]:
        """Return what is in it, once."""
        with self._lock:
            records, said = tuple(self._records), tuple(self._said)
            self._records, self._said = [], []
        return records, said


class DistantLine:
    """The way home; used by the thread that drives and by those that home calls."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.wants_stop = False
        self._starts_s: float | None = None
        self._is_told = threading.Event()

    def begin(self, starts_s: float) -> None:
        """Take the time to start."""
        self._starts_s = starts_s
        self._is_told.set()

    def stop(self) -> None:
        """Take that nothing more shall be sent."""
        self.wants_stop = True
        self._is_told.set()

    async def wait_for_start(self) -> float:
        """Return when offset 0 is due, once that is known.

        Raises:
            InterruptedRunError: it shall not start.
        """
        await asyncio.to_thread(self._is_told.wait)
        if self._starts_s is None:
            raise InterruptedRunError("stopped before the first call")
        return self._starts_s


class DistantShard:
    """One shard in a thread of its own; every method returns soon, `fetch` within a second."""

    def __init__(self, job: bytes, key: str) -> None:
        self._job = msgspec.json.decode(job, type=Job)
        self._key = key
        self._basket = Basket(Redactor([key]))
        self._line = DistantLine(self._basket.tell)
        self._account: Account | None = None
        self._thread = threading.Thread(target=self._run, name="l9gate-shard", daemon=True)
        self._thread.start()

    def begin(self, starts_s: float) -> None:
        """Say when offset 0 is due."""
        self._line.begin(starts_s)

    def stop(self) -> None:
        """Send nothing more; what is in flight comes to its end."""
        self._line.stop()

    def fetch(self) -> bytes:
        """Return what came since the last time as an encoded `Parcel`, waiting for it a little."""
        self._thread.join(PARCEL_S)
        is_last = not self._thread.is_alive()
        records, said = self._basket.empty()
        spent_usd = 0.0
        if self._account is not None:
            spent_usd = sum(part.spent_usd for part in self._account.spending())
        parcel = Parcel(records=records, said=said, spent_usd=spent_usd, is_last=is_last)
        return encode_parcel(parcel)

    def _run(self) -> None:
        with tempfile.TemporaryDirectory(prefix="l9gate-") as folder:
            try:
                self._account = open_account(self._job.money, Path(folder))
                ends = (self._basket, self._account)
                with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
                    runner.run(carry_out(self._job.task, self._key, ends, self._line))
            except L9gateError as error:
                self._basket.tell(Failed.of(error))


def encode_parcel(parcel: Parcel) -> bytes:
    """Return a parcel as it travels."""
    return msgspec.msgpack.encode(parcel)


def decode_parcel(data: bytes) -> Parcel:
    """Return the parcel that was fetched."""
    return msgspec.msgpack.decode(data, type=Parcel)


def open_account(money: Money | None, folder: Path) -> Account | None:
    """Return an account on what was set aside; None if nobody counts.

    Raises:
        WriteError: the disk refuses.
    """
    if money is None:
        return None
    caps = Caps(per_run_usd=money.usd, source=_SOURCE)
    ledger = Ledger(folder / "ledger.db", SystemClock())
    return Account.open(ledger, _RUN, money.kind, caps, money.prices)
