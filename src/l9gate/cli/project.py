"""The project and the runs that a command is about."""

from collections.abc import Callable
from pathlib import Path

import click
from click.decorators import FC

from l9gate.errors import SettingsError, UsageError
from l9gate.evidence.records import Layer
from l9gate.measure.sequential import Stopping
from l9gate.store.run import latest_run
from l9gate.store.settings import Settings, read_settings

DEFAULT_RUNS = Path(".l9gate/runs")
ALL = "all"

format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What stdout gets.",
)
policy_option = click.option(
    "--policy",
    type=click.Path(path_type=Path),
    default=None,
    help="Judge by this file instead of the project's policy.",
)
environment_option = click.option(
    "--env", "environment", default=None, help="development, staging, production …"
)
rehearse_option = click.option(
    "--rehearse", is_flag=True, help="Against the local simulator: no key, no cost."
)
seed_option = click.option(
    "--seed", type=int, default=1, show_default=True, help="Of everything random."
)
budget_option = click.option(
    "--budget", default=None, metavar="USD", help="What it may spend; live it is 5 by default."
)
load_factor_option = click.option(
    "--load-factor",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Of the simulator: multiplies every delay.",
)
stopping_option = click.option(
    "--stopping",
    type=click.Choice([str(one) for one in Stopping]),
    default=None,
    help="fixed: judge once, at the end; anytime: stop as soon as it is broken. [the policy's]",
)


def options(*parts: Callable[[FC], FC]) -> Callable[[FC], FC]:
    """Return what adds several options to a command, shown in this order."""

    def add(command: FC) -> FC:
        for part in reversed(parts):
            command = part(command)
        return command

    return add


def require_settings() -> Settings:
    """Return the settings of the project around the working directory.

    Raises:
        SettingsError: there are none, or they are wrong.
    """
    settings = read_settings(Path.cwd())
    if settings is None:
        raise SettingsError(
            "no [tool.l9gate] in pyproject.toml and no l9gate.toml here or above",
            hint="`l9gate init` writes one",
        )
    return settings


def runs_root() -> Path:
    """Return the folder of all runs, also outside of a project."""
    settings = read_settings(Path.cwd())
    return settings.runs if settings else DEFAULT_RUNS


def find_runs(names: tuple[str, ...]) -> list[Path]:
    """Return the named run folders (a path, or a name below the folder of runs), or the newest.

    Raises:
        RunNotFoundError: there is no run yet.
    """
    root = runs_root()
    if not names:
        return [latest_run(root).path]
    return [Path(name) if Path(name).is_dir() else _below(root, name) for name in names]


def parse_layers(words: tuple[str, ...]) -> tuple[Layer, ...]:
    """Return the layers in their own order; none or `all` means all four.

    Raises:
        UsageError: a word is no layer.
    """
    for word in words:
        if word not in {*Layer, ALL}:
            raise UsageError(
                f"unknown layer `{word}`", hint=f"there are: {', '.join([*Layer, ALL])}"
            )
    if not words or ALL in words:
        return tuple(Layer)
    return tuple(layer for layer in Layer if layer in words)


def _below(root: Path, name: str) -> Path:
    inside = root / name
    return inside if inside.is_dir() else Path(name)
