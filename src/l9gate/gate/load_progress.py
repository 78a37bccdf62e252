"""What a load says while it runs: rate, percentiles so far, errors, time left, money."""

from l9gate.criteria.load_view import FAILURES, word_of
from l9gate.drive.plan import Progress
from l9gate.gate.request import Say
from l9gate.report.quantity import render_quantity
from l9gate.store.account import Account
from l9gate.wire.prices import in_dollars

EVERY_S = 5.0
_QUANTILES = ("p50", "p95", "p99")


class LoadProgress:
    """Says every few seconds how a load stands."""

    def __init__(self, say: Say, account: Account | None) -> None:
        self._say = say
        self._account = account
        self._next_s = EVERY_S
        self._last = (0.0, 0)  # elapsed seconds and answers at the last line

    def show(self, progress: Progress) -> None:
        """Say a line if it is time for one."""
        if progress.elapsed_s < self._next_s:
            return
        before_s, before = self._last
        rate_per_s = (progress.done - before) / max(progress.elapsed_s - before_s, 1e-3)
        self._last = progress.elapsed_s, progress.done
        self._next_s = progress.elapsed_s - progress.elapsed_s % EVERY_S + EVERY_S
        spent_usd = None
        if self._account is not None:
            spent_usd = sum(part.spent_usd for part in self._account.spending())
        self._say(describe_progress(progress, rate_per_s, spent_usd))


def describe_progress(progress: Progress, rate_per_s: float, spent_usd: float | None) -> str:
    """Return one line about a load.

    Args:
        progress: how it stands.
        rate_per_s: answers per second since the last line.
        spent_usd: so far, calls in flight at the most that they can cost.
    """
    of = "" if progress.planned is None else f" of {progress.planned:,}"
    parts = [
        f"{progress.elapsed_s:.0f} s",
        "" if progress.left_s is None else f"{progress.left_s:.0f} s left",
        f"{progress.sent:,}{of} sent, {progress.done:,} answered ({rate_per_s:,.1f}/s)",
        _quantiles("latency", progress.latency_s),
        _quantiles("ttft", progress.ttft_s),
        _errors(progress),
        "" if spent_usd is None else f"at most {in_dollars(spent_usd)} so far",
    ]
    return " · ".join(part for part in parts if part)


def _quantiles(name: str, values_s: tuple[float, ...]) -> str:
    if not values_s:
        return ""
    told = (
        f"{word} {render_quantity(value_s, 's')}"
        for word, value_s in zip(_QUANTILES, values_s, strict=True)
    )
    return f"{name} {' '.join(told)}"


def _errors(progress: Progress) -> str:
    counts = [(end, progress.ends.get(end, 0)) for end in FAILURES]
    return ", ".join(f"{count:,} {word_of(end)}" for end, count in counts if count)
