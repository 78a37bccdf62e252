"""What a soak was asked for, in plain values: they stay beside its evidence, to go on with it."""

from pathlib import Path

import msgspec

from l9gate.criteria.policy import Policy
from l9gate.drive.order import LoadOrder
from l9gate.errors import RunCorruptError, RunDataError, UsageError
from l9gate.evidence.load import Entry, Source
from l9gate.gate.load import CHEAPEST_MODEL
from l9gate.gate.request import RunRequest
from l9gate.measure.sequential import Stopping
from l9gate.store.run import RunFolder
from l9gate.store.settings import Settings
from l9gate.wire.redaction import MARK, Redactor

FILE = "soak.json"
READINGS = 300  # of a soak, if nobody says how often
LEAST_EVERY_S, MOST_EVERY_S = 0.1, 5.0


class SoakAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What `l9gate soak` was asked for; times in seconds."""

    duration_s: float
    environment: str
    rate: str = "poisson 1/s"
    model: str | None = None
    stream: bool = False
    workload: str | None = None
    entry: Entry = Entry.WIRE
    app: str | None = None
    timeout_s: float = 60.0
    warm_up: int = 0
    pid: int | None = None  # of a process that runs
    command: str | None = None  # of one that we start
    url: str | None = None  # where the load goes instead of the environment's endpoint
    disk: str | None = None  # a folder whose size is watched
    every_s: float | None = None  # between two readings
    attribute: bool = False  # find out who allocates, if memory leaks
    is_rehearsal: bool = False
    load_factor: float = 1.0
    time_factor: float = 1.0
    token_lifetime_s: float | None = None
    budget_usd: float | None = None
    stopping: Stopping | None = None
    seed: int = 1

    def check(self) -> None:
        """Return if it says what to watch, and nothing twice.

        Raises:
            UsageError: it does not.
        """
        if self.pid is not None and self.command is not None:
            raise UsageError("`--pid` and `--command` name two processes", hint="name one")
        if self.entry is Entry.WIRE and self.pid is None and self.command is None:
            raise UsageError(
                "which process is to be watched?",
                hint='add `--command "python server.py"` or `--pid N`, or drive the application '
                "in this process: `--entry app --app package.module:function`",
            )
        if self.attribute and self.command is None:
            raise UsageError(
                "`--attribute` needs a process that it may start again",
                hint='use `--command "python server.py"`',
            )

    @property
    def reads_every_s(self) -> float:
        """How many seconds are between two readings."""
        usual_s = min(max(self.duration_s / READINGS, LEAST_EVERY_S), MOST_EVERY_S)
        return usual_s if self.every_s is None else self.every_s

    def run_request(self, settings: Settings, policy: Policy, file: Path | None) -> RunRequest:
        """Return the run that it is."""
        return RunRequest(
            settings=settings,
            layers=(),
            environment=settings.environment(self.environment),
            is_rehearsal=self.is_rehearsal,
            seed=self.seed,
            policy=file,
            budget_usd=self.budget_usd,
            stopping=self.stopping or policy.stopping,
            sources=(Source.SOAK,),
            model=self.model or settings.model or CHEAPEST_MODEL,
            load_factor=self.load_factor,
            time_factor=self.time_factor,
            token_lifetime_s=self.token_lifetime_s,
        )

    def order(self, run: RunRequest, base_url: str, duration_s: float) -> LoadOrder:
        """Return the load that is part of it."""
        settings = run.settings
        return LoadOrder(
            base_url=self.url or base_url,
            rate=self.rate,
            duration_s=duration_s,
            seed=self.seed,
            model=run.model,
            stream=self.stream,
            workload=self.workload or settings.load.workload,
            entry=self.entry,
            call=self.app or settings.load.app,
            span=Source.SOAK,
            timeout_s=self.timeout_s,
            origin=run.kind,
            proof_header=run.environment.request_id_header,
            warm_up=self.warm_up,
        )


def write_asked(folder: RunFolder, asked: SoakAsked, redactor: Redactor) -> None:
    """Put it beside the evidence; a key in it is taken out.

    Raises:
        WriteError: the disk refuses.
    """
    text = msgspec.json.format(msgspec.json.encode(asked), indent=2).decode()
    folder.write(FILE, redactor.redact(text).encode())


def read_asked(folder: RunFolder) -> SoakAsked:
    """Return what a soak was asked for.

    Raises:
        RunDataError: the run is no soak, is finished, or its file is damaged.
    """
    if folder.is_sealed():
        raise RunDataError(f"`{folder.path}` is finished", hint="start a new one: `l9gate soak`")
    try:
        data = (folder.path / FILE).read_bytes()
        asked = msgspec.json.decode(data, type=SoakAsked)
    except FileNotFoundError:
        raise RunDataError(f"`{folder.path}` is no soak", hint="see `l9gate history`") from None
    except msgspec.MsgspecError as error:
        raise RunCorruptError(f"`{folder.path / FILE}` cannot be read: {error}") from error
    if MARK.encode() in data:
        raise RunDataError(
            f"`{folder.path}` cannot go on: a key stood in its command line, and is not kept",
            hint="start a new one, and let the command read its key from a variable",
        )
    return asked
