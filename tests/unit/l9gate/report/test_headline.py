import re

import msgspec
import pytest

from l9gate.criteria.criterion import Finding, State
from l9gate.criteria.load_client import MORE_PROCESSES, THE_CLIENT
from l9gate.evidence.records import Layer
from l9gate.report.headline import LABELS, REHEARSALS, headline, next_command
from l9gate.verdict import Outcome, Verdict

replace = msgspec.structs.replace


def line_of(verdict: Verdict) -> str:
    return headline(verdict, next_command(verdict))


def test_headline_names_outcome_criterion_number_limit_n_and_next_command(
    verdict: Verdict,
) -> None:
    assert line_of(verdict) == (
        "NOT READY  latency-p95 2.31 s, needs < 2 s (n=12,000) · next: l9gate explain latency-p95"
    )


def test_unproven_headline_says_why_where_there_is_room(verdict: Verdict, finding: Finding) -> None:
    deciding = replace(
        finding,
        state=State.UNPROVEN,
        observed=1.9,
        n=5,
        reason="too few",
    )
    unproven = replace(verdict, outcome=Outcome.UNPROVEN, deciding=deciding)
    assert "1.9 s, needs < 2 s (n=5): too few ·" in line_of(unproven)
    talkative = replace(deciding, reason="x" * 80)
    line = line_of(replace(unproven, deciding=talkative))
    assert "1.9 s, needs < 2 s (n=5) ·" in line


def test_headline_without_a_number_says_so(verdict: Verdict, finding: Finding) -> None:
    deciding = replace(finding, observed=None, n=0, state=State.UNPROVEN, reason=None)
    line = line_of(replace(verdict, outcome=Outcome.UNPROVEN, deciding=deciding))
    assert line.startswith("UNPROVEN  latency-p95 no value, needs < 2 s (n=0) ·")


def test_headline_of_a_sentence_quotes_it_if_it_holds_and_else_says_why_not(
    verdict: Verdict, finding: Finding
) -> None:
    deciding = replace(finding, condition="every layer ran", criterion="complete", n=3)
    kept = replace(deciding, state=State.KEPT)
    assert "complete: every layer ran (n=3)" in line_of(replace(verdict, deciding=kept))
    broken = replace(deciding, state=State.UNPROVEN, reason="unit was killed")
    line = line_of(replace(verdict, deciding=broken))
    assert "complete: unit was killed (n=3) ·" in line
    assert "every layer ran" not in line


def test_run_without_criteria_has_a_headline(verdict: Verdict) -> None:
    empty = replace(verdict, outcome=Outcome.UNPROVEN, deciding=None, findings=())
    assert line_of(empty) == "UNPROVEN  no criterion was asked (n=0) · next: l9gate run all"


def test_partial_run_names_its_layers(verdict: Verdict) -> None:
    scope = replace(verdict.scope, layers=(Layer.UNIT, Layer.CONTRACT))
    kept = replace(verdict, outcome=Outcome.LAYERS_KEPT, scope=scope)
    assert line_of(kept).startswith("LAYERS KEPT: unit, contract  ")
    assert line_of(kept).endswith("next: l9gate run all")


def test_a_run_of_a_source_says_which_and_never_that_anything_is_ready(verdict: Verdict) -> None:
    scope = replace(verdict.scope, layers=(), sources=("load",))
    kept = replace(verdict, outcome=Outcome.SOURCES_KEPT, scope=scope)
    assert line_of(kept).startswith("LOAD KEPT  ")
    assert line_of(kept).endswith("next: l9gate run all")
    rehearsed = replace(verdict, outcome=Outcome.SOURCES_REHEARSED, scope=scope)
    assert line_of(rehearsed).startswith("LOAD REHEARSED  ")


def test_a_client_that_was_the_limit_is_said_instead_of_its_numbers(
    verdict: Verdict, finding: Finding
) -> None:
    scope = replace(verdict.scope, layers=(), sources=("load",))
    why = f"{THE_CLIENT}: its core was 97% busy"
    limited = replace(finding, state=State.UNPROVEN, reason=why, decides=MORE_PROCESSES)
    unproven = replace(verdict, outcome=Outcome.UNPROVEN, scope=scope, deciding=limited)
    assert line_of(unproven) == f"UNPROVEN  {THE_CLIENT} · next: l9gate load --workers 2"
    rehearsal = replace(unproven, outcome=Outcome.REHEARSAL_UNPROVEN)
    assert line_of(rehearsal).endswith(f"{THE_CLIENT} · next: l9gate load --workers 2")


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("name", ["c", "a-criterion-of-middling-length", "long" * 30])
def test_headline_has_at_most_100_characters_and_a_whole_command(
    verdict: Verdict, finding: Finding, outcome: Outcome, name: str
) -> None:
    deciding = replace(finding, criterion=name, state=State.UNPROVEN)
    line = line_of(replace(verdict, outcome=outcome, deciding=deciding))
    assert len(line) <= 100
    assert re.search(r" · next: l9gate [\w -]+$", line)
    assert LABELS[outcome] in line.split("  ")[0]


@pytest.mark.parametrize("outcome", [Outcome.REHEARSAL_BROKEN, Outcome.NOT_READY])
def test_number_limit_and_n_are_worth_more_than_the_longer_command(
    verdict: Verdict, finding: Finding, outcome: Outcome
) -> None:
    deciding = replace(finding, criterion="performance-pass-rate-of-all")
    line = line_of(replace(verdict, outcome=outcome, deciding=deciding))
    assert "performance-pass-rate-of-all 2.31 s, needs < 2 s (n=12,000) · next: " in line


@pytest.mark.parametrize("outcome", sorted(REHEARSALS))
def test_rehearsal_says_so_and_never_uses_the_word(verdict: Verdict, outcome: Outcome) -> None:
    scope = replace(verdict.scope, sources=("load",))
    line = line_of(replace(verdict, outcome=outcome, scope=scope))
    assert re.match("(LAYERS |LOAD )?REHEARS", line)
    assert not re.search("ready", line, re.IGNORECASE)


def test_a_missing_control_is_made_by_the_next_command(verdict: Verdict, finding: Finding) -> None:
    deciding = replace(
        finding,
        criterion="control",
        condition="control_survivors == 0",
        observed=None,
        limit=0.0,
        unit="",
        n=0,
        state=State.UNPROVEN,
    )
    line = line_of(replace(verdict, outcome=Outcome.UNPROVEN, deciding=deciding))
    assert line.endswith("next: l9gate control")
