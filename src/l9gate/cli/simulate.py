"""`l9gate simulate`: a local Messages API until it is stopped."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TypedDict, Unpack

import click

from l9gate.simulator.keys import KeyRing
from l9gate.simulator.latency import PROFILES, read_profiles
from l9gate.simulator.profiles import STRICTNESSES, Strictness
from l9gate.simulator.scenario import read_rules
from l9gate.simulator.server import SimulatorConfig, serve_forever


class Options(TypedDict):
    """What the command line may say, under the names of the options."""

    port: int
    host: str
    seed: int
    load_factor: float
    time_factor: float
    token_lifetime: float | None
    latency: Path | None
    keys: Path | None
    profile: Strictness
    script: Path | None
    allow_remote: bool
    stop_with_stdin: bool


@click.command("simulate")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless you say so.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same answers.")
@click.option(
    "--load-factor",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Multiplies every delay; 0 answers at once.",
)
@click.option(
    "--time-factor",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Cached prompts, keys and tokens age so much faster; delays and limits do not.",
)
@click.option(
    "--token-lifetime",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Access tokens (`sk-ant-oat…`) are refused so long after their first use.",
)
@click.option(
    "--latency",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with the pace of models, as quantiles.",
)
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with the keys that are known, what each may do, and its limits.",
)
@click.option(
    "--profile",
    type=click.Choice(STRICTNESSES),
    default="strict",
    show_default=True,
    help="`lenient` drops rules of value and lets any id resolve, for clients' own tests.",
)
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file of rules: which requests get a fault, or an answer of their own.",
)
@click.option("--allow-remote", is_flag=True, help="Let `--host` be one that others can reach.")
@click.option("--stop-with-stdin", is_flag=True, help="Also stop when standard input closes.")
def command(**options: Unpack[Options]) -> None:
    """Start a local Messages API and print its base URL as the first line.

    Every well-formed key works unless a file lists them, every response says
    `x-l9gate-origin: simulated`, and nothing leaves this machine. Stop it with Ctrl-C.
    Prometheus finds counters at /metrics; /_l9gate/journal says what clients did wrong.

    \b
    Try it:  l9gate simulate --port 8700
             ANTHROPIC_BASE_URL=http://127.0.0.1:8700 ANTHROPIC_API_KEY=sk-any-key python app.py
    """  # noqa: D301  # click wants the character itself
    latency, keys, script = options["latency"], options["keys"], options["script"]
    config = SimulatorConfig(
        seed=options["seed"],
        load_factor=options["load_factor"],
        latency=PROFILES if latency is None else read_profiles(latency),
        keys=None if keys is None else KeyRing.read(keys),
        strictness=options["profile"],
        rules=() if script is None else read_rules(script),
        allow_remote=options["allow_remote"],
        time_factor=options["time_factor"],
        token_lifetime_s=options["token_lifetime"],
    )
    if options["stop_with_stdin"]:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    serve_forever(config, options["host"], options["port"], _announce)


def _announce(base_url: str) -> None:
    click.echo(base_url)
    sys.stdout.flush()


def _stop_with_stdin() -> None:
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
