"""`l9gate override`: somebody ships all the same, and says so."""

from datetime import UTC, date, datetime

import click
import msgspec

from l9gate.cli.project import find_runs, format_option
from l9gate.errors import UsageError
from l9gate.store.overrides import Override, append_override
from l9gate.store.run import open_run


@click.command("override")
@click.argument("run")
@click.option("--reason", required=True, help="Why the verdict does not hold you back.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--expires", required=True, metavar="YYYY-MM-DD", help="The last day it holds.")
@format_option
def command(run: str, reason: str, owner: str, expires: str, format_name: str) -> None:
    """Record, beside the verdict of RUN, that somebody ships all the same.

    It appears in every later report of that run. The verdict and its exit code stay as they are.
    """
    now = datetime.now(UTC)
    try:
        until = date.fromisoformat(expires)
    except ValueError:
        raise UsageError(f"--expires `{expires}` is no date like 2026-12-31") from None
    if until < now.date():
        raise UsageError(f"--expires {until} is in the past")
    path = find_runs((run,))[0]
    at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    override = Override(reason=reason, owner=owner, expires=until, at=at)
    append_override(open_run(path), override)
    if format_name == "json":
        click.echo(msgspec.json.encode(override))
    click.echo(f"recorded beside {path.name}; the verdict stays as it is", err=True)
