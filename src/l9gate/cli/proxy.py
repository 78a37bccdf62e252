"""`l9gate proxy`: record what any program sends to the API, until it is stopped."""

import asyncio
import dataclasses
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypedDict, Unpack

import click

from l9gate.cli.project import environment_option
from l9gate.errors import WriteError
from l9gate.gate.recording import Recording, open_recording
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory
from l9gate.net.server import HttpServer
from l9gate.observe.origins import host_of
from l9gate.observe.recorder import Outbox
from l9gate.proxy.owners import Pages
from l9gate.proxy.receiver import Receiver
from l9gate.proxy.server import Proxy, catch_stop, check_address, running_proxy, until, url_of
from l9gate.store.account import Account
from l9gate.store.environments import check_url, environment_name
from l9gate.store.settings import default_settings, read_settings

FLUSH_S = 0.25


class Options(TypedDict):
    """What the command line may say, under the names of the options."""

    upstream: str | None
    port: int
    otlp_port: int | None
    host: str
    run: Path | None
    environment: str | None
    allow_remote: bool
    stop_with_stdin: bool


@click.command("proxy")
@click.option("--upstream", help="Base URL of the API; else that of the environment.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option(
    "--otlp-port",
    type=click.IntRange(0, 65535),
    help="Also take spans of services, over OTLP/HTTP; printed as the second line.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless you say so.")
@click.option(
    "--run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="L9GATE_RUN",
    help="Run folder to write into, also L9GATE_RUN; else one of its own.",
)
@environment_option
@click.option("--allow-remote", is_flag=True, help="Let `--host` be one that others can reach.")
@click.option("--stop-with-stdin", is_flag=True, help="Also stop when standard input closes.")
def command(**options: Unpack[Options]) -> None:
    """Start a recording proxy and print its base URL as the first line.

    It sends every request on to one endpoint and gives the answer back as it comes; keys pass
    through and are kept nowhere. What was seen goes into a run folder. Stop it with Ctrl-C.

    \b
    Try it:  l9gate proxy --upstream https://api.anthropic.com --port 8701
             ANTHROPIC_BASE_URL=http://127.0.0.1:8701 node app.js
             l9gate judge
    """  # noqa: D301  # click wants the character itself
    check_address(options["host"], allow_remote=options["allow_remote"])
    settings = read_settings(Path.cwd()) or default_settings(Path.cwd())
    name = environment_name(os.environ, options["environment"])
    given = options["upstream"]
    upstream = (
        check_url(given, "--upstream") if given else settings.environment(name).url(os.environ)
    )
    if options["stop_with_stdin"]:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    with open_recording(settings, name, options["run"], upstream) as recording:
        if options["run"] is None:
            click.echo(f"recording into {recording.folder.path}", err=True)
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(_serve(recording, upstream, options))


async def _serve(recording: Recording, upstream: str, options: Options) -> None:
    host, otlp_port = options["host"], options["otlp_port"]
    stop = catch_stop()
    outbox = Outbox(recording.writer, SystemClock())
    pages = Pages(recording.folder.path)
    account = Account.of_environ(os.environ, SystemClock())
    proxy = Proxy(upstream, outbox, recording.target, pages.find, account)
    has_warned = False

    async def flush() -> None:
        nonlocal has_warned
        try:
            await asyncio.to_thread(recording.writer.flush)
        except WriteError as error:  # what is kept in memory is written once the disk lets us
            if not has_warned:
                click.echo(f"error: {error}", err=True)
            has_warned = True

    async with AsyncExitStack() as running:
        base_url = await running.enter_async_context(running_proxy(proxy, host, options["port"]))
        lines = [base_url]
        if otlp_port is not None:
            target = dataclasses.replace(recording.target, proxy=host_of(base_url))
            receiver = Receiver(outbox, SystemClock(), target)
            server = await running.enter_async_context(HttpServer(receiver, host, otlp_port))
            lines.append(url_of(host, server.port))
        click.echo("\n".join(lines))
        sys.stdout.flush()
        await until(stop, flush, FLUSH_S)


def _stop_with_stdin() -> None:
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
