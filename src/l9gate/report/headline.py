"""The first line of every report."""

from l9gate.criteria.criterion import Finding, State
from l9gate.criteria.load_client import MORE_PROCESSES, THE_CLIENT
from l9gate.evidence.load import Source
from l9gate.report.quantity import operator_of, render_pair, render_quantity
from l9gate.verdict import Outcome, Verdict

MAX_CHARACTERS = 100
_OF_CONTROL = "control_survivors "
_SHORT_COMMAND = "l9gate report"

# None of the four of a rehearsal may be mistaken for an answer about the real API.
LABELS = {
    Outcome.READY: "READY",
    Outcome.LAYERS_KEPT: "LAYERS KEPT",
    Outcome.SOURCES_KEPT: "KEPT",
    Outcome.NOT_READY: "NOT READY",
    Outcome.UNPROVEN: "UNPROVEN",
    Outcome.REHEARSED: "REHEARSED on the simulator",
    Outcome.LAYERS_REHEARSED: "LAYERS REHEARSED",
    Outcome.SOURCES_REHEARSED: "REHEARSED",
    Outcome.REHEARSAL_BROKEN: "REHEARSAL BROKEN",
    Outcome.REHEARSAL_UNPROVEN: "REHEARSAL UNPROVEN",
}
REHEARSALS = frozenset(
    {
        Outcome.REHEARSED,
        Outcome.LAYERS_REHEARSED,
        Outcome.SOURCES_REHEARSED,
        Outcome.REHEARSAL_BROKEN,
        Outcome.REHEARSAL_UNPROVEN,
    }
)
_NAMES_LAYERS = frozenset({Outcome.LAYERS_KEPT, Outcome.LAYERS_REHEARSED})
_NAMES_SOURCES = frozenset({Outcome.SOURCES_KEPT, Outcome.SOURCES_REHEARSED})
_DONE = {
    Outcome.READY: "l9gate report",
    Outcome.LAYERS_KEPT: "l9gate run all",
    Outcome.SOURCES_KEPT: "l9gate run all",
    Outcome.REHEARSED: "l9gate run all",
    Outcome.LAYERS_REHEARSED: "l9gate run all --rehearse",
    Outcome.SOURCES_REHEARSED: "l9gate run all --rehearse",
}


def next_command(verdict: Verdict) -> str:
    """Return what to type next: explain what is in the way, else the next larger step."""
    if verdict.outcome in _DONE:
        return _DONE[verdict.outcome]
    if verdict.deciding is None:
        return "l9gate run all"
    if verdict.deciding.condition.startswith(_OF_CONTROL):
        return "l9gate control"  # it makes the evidence, and names the tests
    if verdict.scope.sources == (Source.LOAD,) and verdict.deciding.decides == MORE_PROCESSES:
        return "l9gate load --workers 2"
    return f"l9gate explain {verdict.deciding.criterion}"


def headline(verdict: Verdict, next_command: str) -> str:
    """Return outcome, deciding criterion, number, limit, n and the next command: one line.

    It has at most 100 characters; what is too long is the middle, never the command.
    """
    label = LABELS[verdict.outcome]
    if verdict.outcome in _NAMES_LAYERS:
        label += f": {', '.join(verdict.scope.layers)}"
    elif verdict.outcome in _NAMES_SOURCES:
        label = f"{', '.join(verdict.scope.sources).upper()} {label}"
    for command in (next_command, _SHORT_COMMAND):
        end = f" · next: {command}"
        room = MAX_CHARACTERS - len(label) - len("  ") - len(end)
        if verdict.deciding is None or len(_decided_by(verdict.deciding)) <= room:
            break
    return f"{label}  {_middle(verdict.deciding, room)}{end}"


def _middle(deciding: Finding | None, room: int) -> str:
    if deciding is None:
        return "no criterion was asked (n=0)"
    text = _decided_by(deciding)
    if deciding.state is State.UNPROVEN and deciding.reason and deciding.reason not in text:
        longer = f"{text}: {deciding.reason}"
        text = longer if len(longer) <= room else text
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"


def _decided_by(finding: Finding) -> str:
    operator = operator_of(finding.condition)
    if THE_CLIENT in (finding.reason or ""):  # no number of it says anything of the API
        return THE_CLIENT
    n = f"(n={finding.n:,})"
    if operator is None or finding.limit is None:
        # A sentence that does not hold would be read as one that does; its reason says more.
        is_kept = finding.state is State.KEPT or finding.reason is None
        return f"{finding.criterion}: {finding.condition if is_kept else finding.reason} {n}"
    if finding.observed is None:
        limit = render_quantity(finding.limit, finding.unit)
        return f"{finding.criterion} no value, needs {operator} {limit} {n}"
    observed, limit = render_pair(finding.observed, finding.limit, finding.unit)
    return f"{finding.criterion} {observed}, needs {operator} {limit} {n}"
