"""What may be spent: per run, layer, test and day, and where each of these limits comes from."""

from typing import Annotated

import msgspec

from l9gate.errors import BudgetError, UsageError
from l9gate.evidence.records import Origin
from l9gate.wire.prices import in_dollars

DEFAULT_USD = 5.0
_Usd = Annotated[float, msgspec.Meta(gt=0)]


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tool.l9gate.budget]`: dollars; a live run without `per_run` may spend five."""

    per_run: _Usd | None = None
    per_layer: _Usd | None = None
    per_test: _Usd | None = None
    per_day: _Usd | None = None  # a day of UTC, all live runs of the project together


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one run in dollars; None does not limit."""

    per_run_usd: float | None = None
    per_layer_usd: float | None = None
    per_test_usd: float | None = None
    per_day_usd: float | None = None
    source: str = ""  # of `per_run_usd`, in words

    def by_scope(self) -> tuple[tuple[str, float | None], ...]:
        """Return every limit with what it is about, the widest last."""
        return (
            ("test", self.per_test_usd),
            ("layer", self.per_layer_usd),
            ("run", self.per_run_usd),
            ("day", self.per_day_usd),
        )

    def is_free(self, kind: Origin) -> bool:
        """Whether nothing is paid for and no limit was asked for, so that nothing is refused."""
        return kind is not Origin.LIVE and self.per_run_usd is None

    def in_words(self) -> str:
        """Return one line for people."""
        others = [
            f"{in_dollars(cap_usd)} a {word}"
            for word, cap_usd in self.by_scope()
            if cap_usd is not None and word != "run"
        ]
        if self.per_run_usd is not None:
            others.insert(0, f"{in_dollars(self.per_run_usd)} for this run ({self.source})")
        return f"budget: {', '.join(others) or 'none, as nothing is paid for'}"

    def refusal(
        self, word: str, cap_usd: float, counted_usd: float, bound_usd: float
    ) -> tuple[str, str]:
        """Return why a call is refused, and what to do."""
        left_usd = max(cap_usd - counted_usd, 0.0)
        bound, left, cap = (in_dollars(usd) for usd in (bound_usd, left_usd, cap_usd))
        message = (
            f"budget of this {word} used up: the next call could cost up to {bound}, "
            f"and {left} of {cap} is left; it was not sent"
        )
        return message, f"{_HINTS[word]}; a smaller `max_tokens` reserves less"


_HINTS = {
    "test": "raise `per_test` in [tool.l9gate.budget]",
    "layer": "raise `per_layer` in [tool.l9gate.budget]",
    "run": "give the run more with `--budget USD`, or `per_run` in [tool.l9gate.budget]",
    "day": "raise `per_day` in [tool.l9gate.budget], or wait for the next day (UTC)",
}


def parse_budget(text: str) -> float:
    """Return the dollars that `--budget` names.

    Raises:
        UsageError: it names none; a live run always has a limit.
        BudgetError: it is 0, which allows no call.
    """
    try:
        usd = float(text.strip().removeprefix("$"))
    except ValueError:
        usd = float("nan")
    if not 0 <= usd < float("inf"):
        raise UsageError(
            f"`--budget {text}`: expected an amount in US dollars; a live run always has a limit",
            hint="write it like `--budget 5` or `--budget 0.50`",
        )
    if usd == 0:
        raise BudgetError(
            f"`--budget {text}` allows no call; nothing was sent",
            hint="`--rehearse` costs nothing; `l9gate plan` says what a run would cost",
        )
    return usd


def caps_of(
    kind: Origin, asked_usd: float | None, environment: tuple[str, float | None],
    declared: BudgetSettings,
) -> Caps:  # fmt: skip
    """Return what a run may spend: what was asked for, else declared, else five dollars.

    What costs nothing has no limit unless one was asked for.

    Args:
        kind: live, or simulated in a rehearsal.
        asked_usd: `--budget`.
        environment: its name and `budget_usd`.
        declared: `[tool.l9gate.budget]`.
    """
    if kind is not Origin.LIVE:
        return Caps(per_run_usd=asked_usd, source="" if asked_usd is None else "--budget")
    name, of_environment_usd = environment
    choices = (
        (asked_usd, "--budget"),
        (of_environment_usd, f"budget_usd of environment {name}"),
        (declared.per_run, "per_run of [tool.l9gate.budget]"),
        (DEFAULT_USD, "the default; `--budget USD` changes it"),
    )
    per_run_usd, source = next((usd, why) for usd, why in choices if usd is not None)
    return Caps(
        per_run_usd=per_run_usd,
        per_layer_usd=declared.per_layer,
        per_test_usd=declared.per_test,
        per_day_usd=declared.per_day,
        source=source,
    )
