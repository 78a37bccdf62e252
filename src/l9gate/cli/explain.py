"""`l9gate explain`: what a criterion, an exit status or a difference from the contract means."""

import inspect
import json
from pathlib import Path

import click

from l9gate.cli.project import format_option, policy_option
from l9gate.contract import RULES, Rule, find_rule
from l9gate.criteria.completeness import Completeness
from l9gate.criteria.criterion import Criterion, Finding, Scope
from l9gate.criteria.expression import suggest
from l9gate.criteria.policy import default_policy_text, parse_policy, read_policy
from l9gate.criteria.stopping import sampled
from l9gate.errors import ExitCode, UsageError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, Origin
from l9gate.store.settings import read_settings

_NOBODY = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="development")
MEANINGS = {
    ExitCode.READY: "everything asked was kept (in a rehearsal: on the simulator)",
    ExitCode.NOT_READY: "a blocker or an exit criterion is broken",
    ExitCode.UNPROVEN: "nothing is broken, but evidence is missing",
    ExitCode.USAGE: "the command line asks for something that does not exist",
    ExitCode.RUN_DATA: "a run cannot be read, or was written by another version",
    ExitCode.DEPENDENCY: "key, API, credit or model is missing or refused us; nothing was judged",
    ExitCode.OUR_BUG: "a bug of l9gate",
    ExitCode.WRITE: "cannot write: disk full or read-only",
    ExitCode.BUDGET: "the budget was refused before the first call",
    ExitCode.CONFIG: "the policy, a plan or the settings are wrong",
    ExitCode.INTERRUPTED: "interrupted; the partial run is kept and can be judged",
}


@click.command("explain")
@click.argument("name", metavar="CRITERION|CODE")
@policy_option
@format_option
def command(name: str, policy: Path | None, format_name: str) -> None:
    """Say what a criterion asks and why, or what an exit status or a difference means."""
    rule = find_rule(name)
    if rule is not None:
        facts = _explain_rule(rule)
    else:
        facts = _explain_code(int(name)) if name.isdigit() else _explain_criterion(name, policy)
    if format_name == "json":
        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo("\n".join(f"{key:<8} {value}" for key, value in facts.items()))


def _explain_criterion(name: str, policy: Path | None) -> dict[str, str]:
    settings = read_settings(Path.cwd())
    chosen = policy or (settings.policy if settings else None)
    rules = read_policy(chosen) if chosen else parse_policy(default_policy_text())
    always = Completeness()
    why = {always.name: inspect.cleandoc(Completeness.__doc__ or ""), **rules.why}
    criteria: dict[str, Criterion] = {one.name: one for one in (always, *rules.criteria)}
    if name not in criteria:
        known = [*criteria, *(rule.code for rule in RULES if "." in name)]
        what = "no code, and no criterion" if "." in name else "no criterion"
        raise UsageError(f"`{name}` is {what} of {rules.name}", hint=suggest(name, known))
    asked = criteria[name].judge(MemoryLog(), _NOBODY)
    where = "".join(f", where {key} = {value}" for key, value in sorted(asked.where.items()))
    least = asked.decides if sampled([criteria[name]], _NOBODY) else None
    needs = {} if least is None else {"needs": f"{least}, if all of them are good"}
    return {
        "name": name,
        "role": getattr(criteria[name], "role_in_words", str(asked.role)),
        **_asked_of(asked),
        "asks": f"{asked.condition}{where}",
        **needs,
        "why": why[name],
    }


def _asked_of(finding: Finding) -> dict[str, str]:
    """Return of which runs a criterion is asked: by layers, by sources, or of any."""
    if finding.sources:
        return {"sources": ", ".join(finding.sources)}
    return {"layers": ", ".join(sorted(finding.layers)) or "any"}


def _explain_rule(rule: Rule) -> dict[str, str]:
    return {"code": rule.code, "aspect": rule.aspect, "impact": rule.impact, "means": rule.text}


def _explain_code(code: int) -> dict[str, str]:
    if code not in set(ExitCode):
        known = ", ".join(str(int(known)) for known in ExitCode)
        raise UsageError(f"l9gate has no exit status {code}", hint=f"there are: {known}")
    return {"status": str(code), "means": MEANINGS[ExitCode(code)]}
