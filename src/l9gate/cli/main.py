"""The command `l9gate`: finds commands by name, turns errors into one line and an exit code."""

import errno
import importlib
import os
import sys
import traceback
from typing import NoReturn

import click

from l9gate.errors import ExitCode, L9gateError

COMMANDS = {
    "run": "run layers of tests, then judge them",
    "plan": "say what a run would need, take and could decide; sends nothing",
    "load": "send calls at a rate for a while, then judge what came of them",
    "soak": "keep up a load for a long time, and find what only grows",
    "judge": "judge one run, or several pooled; sends nothing, costs nothing",
    "report": "print a run's report as text, JSON or JUnit",
    "explain": "say what a criterion or an exit code means",
    "history": "list the runs of this project",
    "override": "record, beside a verdict, that somebody ships all the same",
    "watch": "evaluate the alert rules over a run",
    "control": "find the tests that pass although the API cannot serve them",
    "contract": "notice what an endpoint, or a gateway before it, answers otherwise",
    "doctor": "check this machine, this project and its endpoint",
    "init": "add l9gate to a project",
    "simulate": "start a local Messages API",
    "proxy": "record what any program sends to the API",
}


_DISK_REFUSALS = frozenset({errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT})


class _Commands(click.Group):
    """Loads a command's module only when it is asked for, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"l9gate.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="l9gate")
def cli() -> None:
    """Decide, with evidence, whether software built on the Messages API may ship.

    The first minute:  l9gate control, then  l9gate doctor, then  l9gate run all --rehearse
    """


def main() -> NoReturn:
    """Run the command line and exit with a status of `l9gate.errors.ExitCode`."""
    try:
        status = cli.main(standalone_mode=False, prog_name="l9gate")
    except click.exceptions.Abort:
        status = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = ExitCode.USAGE
    except KeyboardInterrupt:
        _say("interrupted", None)
        status = ExitCode.INTERRUPTED
    except L9gateError as error:
        _say(str(error), error.hint)
        status = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = ExitCode.WRITE
    except Exception as error:  # noqa: BLE001  # the last resort: a disk that refuses, or our bug
        status = _last_resort(error)
    sys.exit(int(status) if isinstance(status, int) else 0)


def _last_resort(error: Exception) -> ExitCode:
    if isinstance(error, OSError) and error.errno in _DISK_REFUSALS:
        _say(str(error), "free or unlock the disk, then run the command again")
        return ExitCode.WRITE
    if os.environ.get("L9GATE_DEBUG"):
        traceback.print_exc()
    _say(f"our bug: {type(error).__name__}: {error}", "please report what L9GATE_DEBUG=1 shows")
    return ExitCode.OUR_BUG


def _say(message: str, hint: str | None) -> None:
    click.echo(f"error: {message}" + (f"\n\nhint: {hint}" if hint else ""), err=True)
