"""One test of the contract layer: asks one question, or the few whose answers are compared."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from l9gate.contract import RULES, Drift
from l9gate.gate.contract import check_each, compare_answers, mark_waived, read_baseline
from l9gate.gate.relying import rely
from l9gate.measure.clock import SystemClock
from l9gate.net.preflight import endpoint_of
from l9gate.observe.passage import Entrance
from l9gate.report.contract import ContractLine, ContractReport
from l9gate.sources.probe.collect import ask
from l9gate.sources.probe.plan import ProbePlan
from l9gate.sources.probe.questions import Question
from l9gate.store.environments import environment_name
from l9gate.store.settings import Settings
from l9gate.store.waivers import read_waivers
from l9gate.wire.headers import REQUEST_ID

_BASE_URL = "ANTHROPIC_BASE_URL"  # in a gated session the run's endpoint, whoever declared it
_REHEARSAL = "L9GATE_REHEARSAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeCase:
    """What one test asks, of whom, and who watches: the seam, where calls are paid for, too."""

    questions: tuple[Question, ...]
    settings: Settings
    entrance: Entrance


def run_case(case: ProbeCase, environ: Mapping[str, str]) -> tuple[ContractReport, tuple[int, ...]]:
    """Return what differs from the contract, and the statuses of the answers.

    Raises:
        MissingKeyError: there is no key.
        BudgetError: a call was not allowed.
        BaselineError: the accepted baseline cannot be read.
        SettingsError: the waivers cannot be read.
    """
    environment = case.settings.environment(environment_name(environ, None))
    plan = ProbePlan(
        base_url=environ.get(_BASE_URL, "").strip() or environment.url(environ),
        key=environment.key(environ),
        questions=case.questions,
        entrance=case.entrance,
    )
    answers = asyncio.run(ask(plan, SystemClock()))
    path, today = case.settings.accepted_contract, datetime.now(UTC).date()
    accepted = None if path is None else read_baseline(path)
    baseline = rely(case.settings, accepted, "").baseline
    found, unproven = check_each(answers, case.questions, baseline)
    if len(case.questions) > 1:  # each is a test of its own; here what they say about each other
        unproven += tuple(_incomparable(found))
        found = compare_answers(answers, case.questions, baseline, today)
    if environment.request_id_header != REQUEST_ID:  # declared: another header proves an answer
        found = [(name, one) for name, one in found if one.path != f"header {REQUEST_ID}"]
    waivers = read_waivers(case.settings.contract_waivers, [rule.code for rule in RULES])
    lines = (ContractLine(subject=name, drift=drift) for name, drift in found)
    report = ContractReport(
        what=endpoint_of(plan.base_url),
        count=len(answers),
        unit="probe" if len(answers) == 1 else "probes",
        lines=mark_waived(lines, waivers, today),
        unproven=unproven,
        is_rehearsal=environ.get(_REHEARSAL) == "1",
    )
    return report, tuple(one.observed.status for one in answers if one.observed is not None)


def _incomparable(found: list[tuple[str, Drift]]) -> Iterator[str]:
    """Yield which answers are no answers to what was asked, so that nothing follows from them."""
    for name, drift in found:
        if drift.code == "status.changed":
            yield f"{name}: answered {drift.found} instead of {drift.expected}"
