"""Tests and what really came of them: skips are no passes, and a vacuous pass is a failure."""

from collections import Counter

import msgspec

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.proof import Proofs
from l9gate.evidence.records import Origin, TestOutcome, TestState


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct test: its first outcome, and why a pass of it proves nothing."""

    __test__ = False

    outcome: TestOutcome
    void: str | None  # a kind of reason, and after a colon its particulars

    @property
    def passed(self) -> bool:
        """Whether it passed and the pass proves something."""
        return self.outcome.state is TestState.PASSED and self.void is None

    @property
    def failed(self) -> bool:
        """Whether it failed, broke, or passed without proof."""
        return self.outcome.state in (TestState.FAILED, TestState.ERROR) or self.void is not None

    @property
    def label(self) -> str:
        """Its node id, and in brackets why it does not count as passed."""
        why = self.void or self.outcome.state
        return f"{self.outcome.node_id} ({why})"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """All distinct tests of some layers."""

    tests: tuple[Test, ...]  # what counts
    live_only: tuple[str, ...]  # left out of a rehearsal

    @property
    def executed(self) -> int:
        """How many were run at all; a skip is not a run."""
        return sum(test.outcome.state is not TestState.SKIPPED for test in self.tests)

    @property
    def passed(self) -> int:
        """How many passed with proof."""
        return sum(test.passed for test in self.tests)

    @property
    def failures(self) -> tuple[str, ...]:
        """The tests that failed, void passes included."""
        return tuple(test.label for test in self.tests if test.failed)

    @property
    def not_passed(self) -> tuple[str, ...]:
        """The tests that lower the pass rate, failures first."""
        others = (test.label for test in self.tests if not test.failed and not test.passed)
        return self.failures + tuple(others)

    @property
    def tally(self) -> str:
        """What the tests that did not pass were, in a few words."""
        counts = Counter(
            (test.void or str(test.outcome.state)).partition(":")[0]
            for test in self.tests
            if not test.passed
        )
        words = [f"{count} {word}" for word, count in counts.items()]
        if self.live_only:
            words.append(f"{len(self.live_only)} live only, not run in a rehearsal")
        return ", ".join(words)


def account_of(excerpt: Excerpt) -> Account:
    """Return what came of the tests of the excerpt's layers, with its scenario if it names one."""
    rehearses = excerpt.scope.kind is not Origin.LIVE
    wanted = excerpt.where.get("scenario")
    outcomes = [
        one
        for one in excerpt.ownership.first.values()
        if one.layer in excerpt.layers
        and (wanted is None or wanted in one.scenarios)
        and not one.cut  # `complete` names it
    ]
    proofs = Proofs(excerpt)
    return Account(
        tests=tuple(
            Test(outcome=one, void=proofs.void(one))
            for one in outcomes
            if not (rehearses and one.live_only)
        ),
        live_only=tuple(one.node_id for one in outcomes if rehearses and one.live_only),
    )
