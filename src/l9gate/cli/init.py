"""`l9gate init`: adds the gate to a project."""

from pathlib import Path

import click

from l9gate.criteria.policy import default_policy_text
from l9gate.errors import UsageError, WriteError
from l9gate.evidence.records import Layer
from l9gate.store.settings import OWN_FILE, read_settings

POLICY_FILE = "l9gate-policy.toml"
_MARKERS = {
    Layer.INTEGRATION: "integration",
    Layer.PERFORMANCE: "benchmark",
    Layer.CONTRACT: "contract",
}


@click.command("init")
def command() -> None:
    """Write l9gate.toml and l9gate-policy.toml into this folder.

    Nothing that exists is changed. Layers are the folders tests/unit, tests/integration,
    tests/performance and tests/contract; edit the file where yours are called otherwise.
    """
    if read_settings(Path.cwd()) is not None:
        raise UsageError("this project has [tool.l9gate] or l9gate.toml; nothing was written")
    _write(Path(OWN_FILE), _settings_text())
    _write(Path(POLICY_FILE), default_policy_text())
    click.echo("next: l9gate doctor, then: l9gate run all --rehearse", err=True)


def _settings_text() -> str:
    lines = [
        "# What l9gate runs and judges here.",
        f'policy = "{POLICY_FILE}"',
        'model = "claude-haiku-5-5"  # the one your application calls',
        "",
    ]
    for layer in Layer:
        lines += [f"[layers.{layer}]", f'paths = ["tests/{layer}"]']
        if layer in _MARKERS:
            lines.append(f'marker = "{_MARKERS[layer]}"')
        lines.append("")
    lines += [
        "# Built in: development (ANTHROPIC_API_KEY), staging (STAGING_API_KEY) and production",
        "# (PROD_API_KEY), all at https://api.anthropic.com. A gateway of yours goes here:",
        "# [environments.staging]",
        '# base_url = "https://gateway.example/anthropic"',
    ]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"`{path}` exists; it was left as it is") from None
    except OSError as error:
        raise WriteError(f"cannot write `{path}`: {error.strerror}") from error
    click.echo(f"wrote {path}", err=True)
