"""The tables of ledger.db: which totals a call counts towards, and the statements on them."""

import math
import sqlite3
from datetime import UTC, datetime

NANO = 1_000_000_000
VERSION = 3
SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
  run TEXT PRIMARY KEY, kind TEXT NOT NULL, caps BLOB NOT NULL, prices BLOB NOT NULL,
  started_s REAL NOT NULL, ended_s REAL);
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, day TEXT NOT NULL, layer TEXT NOT NULL,
  test TEXT NOT NULL, model TEXT NOT NULL, at_s REAL NOT NULL,
  bound INTEGER NOT NULL, cost INTEGER);
CREATE INDEX IF NOT EXISTS entry_run ON entry (run, layer);
CREATE TABLE IF NOT EXISTS total (scope TEXT PRIMARY KEY, counted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refusal (
  run TEXT NOT NULL, layer TEXT NOT NULL, at_s REAL NOT NULL, stops TEXT,
  message TEXT NOT NULL, hint TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS refusal_run ON refusal (run);
CREATE TABLE IF NOT EXISTS batch (name TEXT PRIMARY KEY, entry INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS block (entry INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
PRAGMA user_version=3;
"""
REFUSE = "INSERT INTO refusal VALUES (?, ?, ?, ?, ?, ?)"


def scopes_of(run: str, day: str, layer: str, test: str) -> dict[str, str]:
    """Return the totals that a call counts towards."""
    parts = {
        "run": f"run:{run}",
        "layer": f"layer:{run}:{layer}" if layer else "",
        "test": f"test:{run}:{test}" if test else "",
        "day": f"day:{day}" if day else "",
    }
    return {word: scope for word, scope in parts.items() if scope}


def add_to_totals(rows: int) -> str:
    """Return the statement that adds to so many totals."""
    marks = ", ".join(["(?, ?)"] * rows)
    return (
        f"INSERT INTO total VALUES {marks}"  # noqa: S608  # marks only
        " ON CONFLICT (scope) DO UPDATE SET counted = counted + excluded.counted"
    )


def refused_scope(run: str, test: str) -> str:
    """Return the total that counts how many calls of a test were refused."""
    return f"refused:{run}:{test}"


def counted_in(connection: sqlite3.Connection, scope: str | None) -> int:
    """Return a total, 0 for one that nothing was added to."""
    row = connection.execute("SELECT counted FROM total WHERE scope = ?", (scope,)).fetchone()
    return 0 if row is None else int(row[0])


def to_nano(usd: float) -> int:
    """Return whole nano-dollars, rounded up; what a double got wrong below that does not count."""
    return math.ceil(round(usd * NANO, 3))


def day_of(at_s: float) -> str:
    """Return the day of UTC that a time belongs to, ISO."""
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()
