"""What is sent: bodies from a file, from a recording, from the project's own generator."""

import importlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from l9gate.errors import PlanError
from l9gate.wire.messages import parse_request_facts

MESSAGES = "/v1/messages"
_QUESTION = "Say one word."
_MAX_TOKENS = 16

Body: TypeAlias = bytes | dict[str, object]


class Job(msgspec.Struct, frozen=True, gc=False):
    """One request, made once and sent as often as the workload says."""

    body: bytes
    path: str = MESSAGES
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()  # beside those that every request has
    model: str | None = None
    stream: bool = False
    max_tokens: int | None = None
    label: str = ""  # of the workload, for its own use

    @classmethod
    def of(cls, body: bytes, *, path: str = MESSAGES, label: str = "") -> "Job":
        """Return the job of a body; model and stream are read from it.

        Raises:
            PlanError: the body is no JSON object.
        """
        facts = parse_request_facts(body)
        if facts is None:
            raise PlanError("a request body of the workload is no JSON object")
        return cls(
            body,
            path=path,
            model=facts.model,
            stream=facts.stream,
            max_tokens=facts.max_tokens,
            label=label,
        )


Generator: TypeAlias = Callable[[int], Iterable[Job | bytes | dict[str, object]]]


class Workload(Protocol):
    """Jobs in the order in which they are sent."""

    @property
    def times_s(self) -> tuple[float, ...] | None:
        """When each of them was sent once, if it is a recording."""

    def jobs(self, seed: int, shard: int, shards: int) -> Iterator[Job]:
        """Yield the jobs of one shard: of all jobs those whose number leaves `shard`."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same jobs over and over, in order or shuffled anew each time."""

    made: tuple[Job, ...]
    is_shuffled: bool = False
    times_s: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.made:
            raise PlanError("the workload has no request")

    def jobs(self, seed: int, shard: int, shards: int) -> Iterator[Job]:
        """Yield them without end."""
        return itertools.islice(self._all(seed), shard, None, shards)

    def _all(self, seed: int) -> Iterator[Job]:
        if not self.is_shuffled:
            return itertools.cycle(self.made)
        chance = random.Random(f"workload {seed}")  # noqa: S311 - no secret
        rounds = (chance.sample(self.made, len(self.made)) for _ in itertools.count())
        return itertools.chain.from_iterable(rounds)


@dataclass(frozen=True, slots=True)
class Generated:
    """What a function of the project yields, given a seed: jobs, bodies, or objects to send."""

    generate: Generator
    name: str
    times_s: tuple[float, ...] | None = None

    def jobs(self, seed: int, shard: int, shards: int) -> Iterator[Job]:
        """Yield them until the function ends.

        Raises:
            PlanError: it yields something that cannot be sent, or wants to end the process.
        """
        made = itertools.islice(self._made(seed), shard, None, shards)
        return map(self._job_of, made)

    def _made(self, seed: int) -> Iterator[Job | bytes | dict[str, object]]:
        try:
            yield from self.generate(seed)
        except SystemExit as error:  # else the project chose the exit code of the gate
            raise PlanError(f"`{self.name}` wants to end the process") from error

    def _job_of(self, made: Job | bytes | dict[str, object]) -> Job:
        if isinstance(made, Job):
            return made
        if isinstance(made, bytes):
            return Job.of(made)
        if isinstance(made, dict):
            return Job.of(msgspec.json.encode(made))
        raise PlanError(
            f"`{self.name}` yields a {type(made).__name__}",
            hint="let it yield request bodies (a dict or bytes), or `l9gate.drive.workload.Job`",
        )


class _Line(msgspec.Struct):
    """A line of a recording: `at_s` beside a `body`, or a body alone."""

    body: msgspec.Raw = msgspec.Raw(b"")
    at_s: float | None = None
    path: str = MESSAGES
    label: str = ""


_LINES = msgspec.json.Decoder(_Line)


def minimal(model: str, *, stream: bool = False) -> Fixed:
    """Return the smallest workload: one short question to a model."""
    body: dict[str, object] = {
        "model": model,
        "max_tokens": _MAX_TOKENS,
        "messages": [{"role": "user", "content": _QUESTION}],
    }
    return Fixed((Job.of(msgspec.json.encode(body | ({"stream": True} if stream else {}))),))


def parse_workload(data: bytes, name: str, *, is_shuffled: bool = False) -> Fixed:
    """Return the workload of JSON lines: request bodies, or `{"at_s": …, "body": {…}}`.

    Args:
        data: of the file.
        name: of the file, for messages.
        is_shuffled: in another order each round, by the seed.

    Raises:
        PlanError: a line is none of these, or some of them have times and some have not.
    """
    made, times_s = [], []
    for number, raw in enumerate(data.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            line = _LINES.decode(raw)
            body = bytes(line.body)
            made.append(Job.of(body or raw.strip(), path=line.path, label=line.label))
        except (msgspec.MsgspecError, UnicodeDecodeError, PlanError) as error:
            raise PlanError(
                f"`{name}` line {number} is no request body",
                hint='a line is a JSON object: `{"model": …}`, or `{"at_s": 0.5, "body": {…}}`',
            ) from error
        if line.at_s is not None:
            times_s.append(line.at_s)
    if times_s and len(times_s) != len(made):
        raise PlanError(f"`{name}`: {len(times_s)} of {len(made)} lines have a time `at_s`")
    if not made:
        raise PlanError(f"`{name}` holds no request")
    return Fixed(tuple(made), is_shuffled, tuple(times_s) or None)


def load_workload(text: str, *, is_shuffled: bool = False) -> Workload:
    """Return the workload that a path or `package.module:function` names.

    Raises:
        PlanError: there is no such file or function, or it holds no request.
    """
    module_name, colon, function_name = text.rpartition(":")
    if colon and "/" not in text and not Path(text).exists():
        return Generated(load_function(module_name, function_name), text)
    try:
        data = Path(text).read_bytes()
    except OSError as error:
        raise PlanError(
            f"the workload `{text}` cannot be read: {error.strerror}",
            hint="name a file of JSON lines, or a generator as `package.module:function`",
        ) from error
    return parse_workload(data, text, is_shuffled=is_shuffled)


def load_function(module_name: str, function_name: str) -> Generator:
    """Return a function by its module and name.

    Raises:
        PlanError: the module cannot be imported or has no such function.
    """
    try:
        found = getattr(importlib.import_module(module_name), function_name, None)
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        raise PlanError(f"`{module_name}` cannot be imported: {why}") from error
    if not callable(found):
        raise PlanError(f"`{module_name}` has no function `{function_name}`")
    return found  # type: ignore[no-any-return]  # what it returns is checked when it comes
