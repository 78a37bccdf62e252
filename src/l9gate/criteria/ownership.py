"""Which tests own what was seen: an exchange belongs to every test that depends on its sender."""

from collections.abc import Iterable, Iterator

from l9gate.criteria.claims import Claims
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange, Mention, ReportedCall, TestOutcome, TestState

_WORST_FIRST = (
    TestState.ERROR,
    TestState.FAILED,
    TestState.XPASSED,
    TestState.XFAILED,
    TestState.SKIPPED,
    TestState.PASSED,
)


class Ownership:
    """The first outcome of every test, found by test and by owner."""

    def __init__(self, outcomes: Iterable[TestOutcome], mentions: Iterable[Mention] = ()) -> None:
        self._claims = Claims(mentions)
        self.first: dict[str, TestOutcome] = {}
        for outcome in outcomes:
            known = self.first.get(outcome.node_id)
            if known is None or _rank(outcome) < _rank(known):
                self.first[outcome.node_id] = outcome
        self._by_owner: dict[str, list[TestOutcome]] = {}
        for outcome in self.first.values():
            for owner in owners_of(outcome):
                self._by_owner.setdefault(owner, []).append(outcome)

    @classmethod
    def of(cls, log: EvidenceLog) -> "Ownership":
        """Return the ownership that a log tells."""
        return cls(log.of(TestOutcome), log.of(Mention))

    def tests_of(self, owner: str | None) -> list[TestOutcome]:
        """Return the tests that what this owner sent belongs to."""
        return [] if owner is None else self._by_owner.get(owner, [])

    def tests_behind(self, call: Exchange | ReportedCall) -> list[TestOutcome]:
        """Return the tests that a call was made for: of its sender, and those told of its id."""
        sender = call.owner if isinstance(call, Exchange) else None
        owners = dict.fromkeys((sender, *self._claims.owners_of(call)))
        found = {test.node_id: test for owner in owners for test in self.tests_of(owner)}
        return list(found.values())

    def is_about_failure(self, owner: str | None) -> bool:
        """Whether all tests behind it declare that they provoke failures.

        What a fixture sent for such a test and for an ordinary one stays in the sample: leaving it
        out would hide evidence.
        """
        tests = self.tests_of(owner)
        return bool(tests) and all(
            test.offline or test.expects_error or test.expects_fallback for test in tests
        )

    def expects_fallback(self, owner: str | None) -> bool:
        """Whether all tests behind it declare that a fallback is what they want."""
        tests = self.tests_of(owner)
        return bool(tests) and all(test.offline or test.expects_fallback for test in tests)

    def carries(self, owner: str | None, scenario: str) -> bool:
        """Whether a test behind it proves this scenario."""
        return any(scenario in test.scenarios for test in self.tests_of(owner))


def owners_of(outcome: TestOutcome) -> Iterator[str]:
    """Yield the owner ids of one test, each once."""
    yield from dict.fromkeys((outcome.node_id, *outcome.owners))


def _rank(outcome: TestOutcome) -> tuple[int, int]:
    """Return a key by which the first attempt comes first, and of pooled runs the worst."""
    return outcome.attempt, _WORST_FIRST.index(outcome.state)
