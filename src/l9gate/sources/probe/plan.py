"""What the source of probes is told."""

from dataclasses import dataclass, field

from l9gate.errors import PlanError
from l9gate.observe.passage import Entrance
from l9gate.sources.probe.questions import Question
from l9gate.store.account import Account

MAX_REPEATS = 20
LIMIT_S = 55.0  # for one round of all questions


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """Which questions to ask whom, and how often.

    Raises:
        PlanError: there is nothing to ask, or it would be asked too often.
    """

    base_url: str
    key: str = field(repr=False)
    questions: tuple[Question, ...]
    repeats: int = 1
    account: Account | None = None  # who pays; None in a rehearsal, or if who watches does
    entrance: Entrance | None = None  # who watches what is sent
    limit_s: float = LIMIT_S  # for everything; what is not answered by then is unanswered
    answer_limit_s: float = 25.0  # for one answer
    side_by_side: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.questions:
            raise PlanError("probes: there is no question to ask")
        if not 1 <= self.repeats <= MAX_REPEATS:
            raise PlanError(f"probes: {self.repeats} repeats, expected 1 to {MAX_REPEATS}")
