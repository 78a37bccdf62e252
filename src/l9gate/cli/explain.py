"""`l9gate explain`: what a criterion or an exit status means."""

from pathlib import Path

import click

from l9gate.cli.project import policy_option
from l9gate.criteria.completeness import NAME, Completeness
from l9gate.criteria.criterion import Finding, Scope
from l9gate.criteria.expression import suggest
from l9gate.criteria.policy import default_policy_text, parse_policy, read_policy
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
def command(name: str, policy: Path | None) -> None:
    """Say what a criterion asks and why, or what an exit status means."""
    if name.isdigit():
        click.echo(_explain_code(int(name)))
        return
    if name == NAME:
        click.echo(f"{NAME} (exit, in every policy)\n\n{Completeness.__doc__}")
        return
    settings = read_settings(Path.cwd())
    chosen = policy or (settings.policy if settings else None)
    rules = read_policy(chosen) if chosen else parse_policy(default_policy_text())
    for criterion in rules.criteria:
        if criterion.name == name:
            layers = ", ".join(sorted(criterion.layers)) or "any layer"
            click.echo(f"{name} ({criterion.role}; asked if these are run: {layers})\n")
            asked = criterion.judge(MemoryLog(), _NOBODY)
            click.echo(f"asks: {asked.condition}{_narrowed(asked)}\nwhy:  {rules.why[name]}")
            return
    known = [criterion.name for criterion in rules.criteria]
    raise UsageError(f"no criterion `{name}` in {rules.name}", hint=suggest(name, known))


def _narrowed(asked: Finding) -> str:
    return "".join(f", where {key} = {value}" for key, value in sorted(asked.where.items()))


def _explain_code(code: int) -> str:
    if code not in set(ExitCode):
        known = ", ".join(str(int(known)) for known in ExitCode)
        raise UsageError(f"l9gate has no exit status {code}", hint=f"there are: {known}")
    return f"{code}: {MEANINGS[ExitCode(code)]}"
