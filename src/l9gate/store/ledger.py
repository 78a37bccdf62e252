"""ledger.db: what every run of a project may spend, has reserved and has spent.

Money is reserved at its upper bound before a byte is sent, in one immediate transaction that looks
at all caps, so that no number of processes can exceed one. A reservation that nobody settles, since
its process died or its answer told no usage, stays counted at its bound. Amounts are whole
nano-dollars, rounded up: sums are exact.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from l9gate.errors import BudgetError
from l9gate.evidence.records import Layer, LayerSpending, Origin
from l9gate.measure.clock import Clock
from l9gate.store.caps import Caps
from l9gate.store.database import BUSY_TIMEOUT_S, writing
from l9gate.store.totals import (
    NANO,
    REFUSE,
    SCHEMA,
    VERSION,
    add_to_totals,
    counted_in,
    day_of,
    refused_scope,
    scopes_of,
    to_nano,
)
from l9gate.wire.prices import PriceList

LEDGER = Path(".l9gate") / "ledger.db"


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One call that is about to be sent, and what it costs at most."""

    layer: Layer | None
    test: str | None
    model: str
    bound_usd: float
    calls: int = 1  # more: a block for as many as will be sent of them


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The first call of a run that was refused."""

    layer: Layer | None
    message: str
    hint: str


class Ledger:
    """One process's end of a project's ledger; safe to use from several threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._connection: sqlite3.Connection | None = None

    def open_run(self, run: str, kind: Origin, caps: Caps, prices: PriceList) -> None:
        """Begin to account for a run.

        Raises:
            WriteError: the disk refuses.
        """
        row = (run, kind.value, msgspec.json.encode(caps), msgspec.json.encode(prices))
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO run (run, kind, caps, prices, started_s) VALUES (?, ?, ?, ?, ?)",
                (*row, self._clock.now_s()),
            )

    def reopen_run(self, run: str) -> None:
        """Go on with a run that was interrupted; its terms and what it has spent stay.

        Raises:
            WriteError: the disk refuses.
        """
        with self._transaction() as connection:
            connection.execute("UPDATE run SET ended_s = NULL WHERE run = ?", (run,))

    def terms_of(self, run: str) -> tuple[Origin, Caps, PriceList]:
        """Return what was agreed when a run was opened.

        Raises:
            BudgetError: the ledger knows no such run.
        """
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT kind, caps, prices FROM run WHERE run = ?", (run,)
            ).fetchone()
        if row is None:
            raise BudgetError(
                f"the ledger `{self.path}` knows no run `{run}`; nothing was sent",
                hint="start it with `l9gate run`",
            )
        kind, caps, prices = row
        return (
            Origin(kind),
            msgspec.json.decode(caps, type=Caps),
            msgspec.json.decode(prices, type=PriceList),
        )

    def close_run(self, run: str) -> None:
        """End a run: whoever still calls in its name is refused; what is open stays at its bound.

        Raises:
            WriteError: the disk refuses.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE run SET ended_s = ? WHERE run = ?", (self._clock.now_s(), run)
            )

    def reserve(self, run: str, caps: Caps, kind: Origin, charge: Charge) -> int:
        """Return the number of a reservation, once every cap allows the call at its bound.

        Raises:
            BudgetError: a cap does not allow it, the run has ended or was stopped by an earlier
                refusal; nothing is reserved.
            WriteError: the disk refuses.
        """
        now_s = self._clock.now_s()
        day = day_of(now_s) if kind is Origin.LIVE else ""  # only live money is money of a day
        bound = to_nano(charge.bound_usd)
        layer, test = charge.layer or "", charge.test or ""
        scopes = scopes_of(run, day, layer, test)
        with self._transaction() as connection:
            refusal = _earlier_refusal(connection, run, layer)
            if refusal is None:
                refusal = _new_refusal(connection, caps, scopes, bound)
                if refusal is not None:
                    word, message, hint = refusal
                    connection.execute(
                        REFUSE, (run, layer, now_s, _stops(word, layer), message, hint)
                    )
            if refusal is None:
                added = [part for scope in scopes.values() for part in (scope, bound)]
                connection.execute(add_to_totals(len(scopes)), added)
                cursor = connection.execute(
                    "INSERT INTO entry (run, day, layer, test, model, at_s, bound)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (run, day, layer, test, charge.model, now_s, bound),
                )
                number = cursor.lastrowid or 0
                if charge.calls != 1:
                    connection.execute("INSERT INTO block VALUES (?, ?)", (number, charge.calls))
                return number
            connection.execute(add_to_totals(1), (refused_scope(run, test), 1))
        raise BudgetError(refusal[1], hint=refusal[2])

    def settle(self, number: int, cost_usd: float, calls: int | None = None) -> None:
        """Replace a reservation by what the call really cost; a second time changes nothing.

        Args:
            number: of the reservation.
            cost_usd: of all that was set aside for.
            calls: how many of a block were sent.

        Raises:
            WriteError: the disk refuses; the reservation stays counted.
        """
        cost = to_nano(cost_usd)
        with self._transaction() as connection:
            row = connection.execute(
                "UPDATE entry SET cost = ? WHERE id = ? AND cost IS NULL"
                " RETURNING run, day, layer, test, bound",
                (cost, number),
            ).fetchone()
            if row is not None:
                if calls is not None:
                    connection.execute(
                        "UPDATE block SET calls = ? WHERE entry = ?", (calls, number)
                    )
                run, day, layer, test, bound = row
                scopes = tuple(scopes_of(run, day, layer, test).values())
                marks = ", ".join("?" * len(scopes))
                query = f"UPDATE total SET counted = counted + ? WHERE scope IN ({marks})"  # noqa: S608  # marks only
                connection.execute(query, (cost - bound, *scopes))

    def name_batch(self, number: int, name: str) -> None:
        """Remember under which id the results of a reservation will come.

        Raises:
            WriteError: the disk refuses.
        """
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO batch VALUES (?, ?)", (name, number))

    def settle_batch(self, name: str, cost_usd: float) -> None:
        """Settle what a batch cost by its id; one that nobody reserved for changes nothing.

        Raises:
            WriteError: the disk refuses; the reservation stays counted.
        """
        with self._transaction() as connection:
            row = connection.execute("SELECT entry FROM batch WHERE name = ?", (name,)).fetchone()
        if row is not None:
            self.settle(row[0], cost_usd)

    def note_refusal(
        self, run: str, layer: Layer | None, test: str | None, error: BudgetError
    ) -> None:
        """Remember that a call was refused for what it is, and stop the run.

        Raises:
            WriteError: the disk refuses.
        """
        row = (run, layer or "", self._clock.now_s(), "run", str(error), error.hint or "")
        with self._transaction() as connection:
            if _earlier_refusal(connection, run, layer or "") is None:
                connection.execute(REFUSE, row)
            connection.execute(add_to_totals(1), (refused_scope(run, test or ""), 1))

    def refused_calls_of(self, run: str, test: str) -> int:
        """Return how many calls of a test were refused, in whichever process."""
        with self._transaction() as connection:
            return counted_in(connection, refused_scope(run, test))

    def refusal_of(self, run: str, layer: Layer | None = None) -> Refusal | None:
        """Return the first refusal that stopped the run, or the layer; None if nothing did."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT layer, message, hint FROM refusal WHERE run = ?"
                " AND (stops = 'run' OR (stops = 'layer' AND layer = ?)) ORDER BY rowid",
                (run, layer or ""),
            ).fetchone()
        if row is None:
            return None
        return Refusal(layer=Layer(row[0]) if row[0] else None, message=row[1], hint=row[2])

    def spending_of(self, run: str) -> tuple[LayerSpending, ...]:
        """Return what every layer of a run has used up, calls of no layer last."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT layer, sum(coalesce(calls, 1)), sum(coalesce(cost, bound)),"
                " sum(CASE WHEN cost IS NULL THEN bound ELSE 0 END),"
                " sum(CASE WHEN cost IS NULL THEN coalesce(calls, 1) ELSE 0 END)"
                " FROM entry LEFT JOIN block ON entry = id WHERE run = ? GROUP BY layer",
                (run,),
            ).fetchall()
        known = {
            row[0]: LayerSpending(
                layer=Layer(row[0]) if row[0] else None,
                calls=row[1],
                spent_usd=row[2] / NANO,
                unsettled_usd=row[3] / NANO,
                unsettled_calls=row[4],
            )
            for row in rows
        }
        return tuple(known[word] for word in (*(one.value for one in Layer), "") if word in known)

    def spent_on(self, day: str) -> float:
        """Return the dollars that live runs of the project have used up on a day (ISO, UTC)."""
        with self._transaction() as connection:
            return counted_in(connection, f"day:{day}") / NANO

    def today(self) -> str:
        """Return the day that a reservation made now belongs to, ISO, UTC."""
        return day_of(self._clock.now_s())

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that nobody else in any process writes beside."""
        with self._lock, writing(self.path):
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        if self._connection is not None:
            _inherited.append(self._connection)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=OFF")  # an empty ledger need not outlive the power
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        connection.execute("PRAGMA synchronous=NORMAL")
        self._connection, self._pid = connection, os.getpid()
        return connection


# A connection that came through fork() must be neither used nor closed: that would touch the locks
# of the parent.
_inherited: list[sqlite3.Connection] = []


def _new_refusal(
    connection: sqlite3.Connection, caps: Caps, scopes: dict[str, str], bound: int
) -> tuple[str, str, str] | None:
    """Return which cap does not allow so much more, and why in words; None if all do."""
    for word, cap_usd in caps.by_scope():
        if cap_usd is None:
            continue
        counted = counted_in(connection, scopes.get(word))
        if counted + bound > to_nano(cap_usd):
            return (word, *caps.refusal(word, cap_usd, counted / NANO, bound / NANO))
    return None


def _earlier_refusal(
    connection: sqlite3.Connection, run: str, layer: str
) -> tuple[str, str, str] | None:
    """Return why no call may be sent any more, None if one may."""
    row = connection.execute(
        "SELECT ended_s, stops, message, hint FROM run LEFT JOIN refusal"
        " ON refusal.run = run.run AND (stops = 'run' OR (stops = 'layer' AND layer = ?))"
        " WHERE run.run = ? ORDER BY refusal.rowid LIMIT 1",
        (layer, run),
    ).fetchone()
    if row is None or row[0] is not None:
        return "run", f"the run `{run}` has ended; nothing was sent", "stop what still calls"
    return None if row[1] is None else (row[1], row[2], row[3])


def _stops(word: str, layer: str) -> str | None:
    """Return what an exceeded cap puts an end to: the cap of one test only ends that test."""
    if word == "test":
        return None
    return "layer" if word == "layer" and layer else "run"
