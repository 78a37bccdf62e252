"""One question to the Messages API: attempts inside one deadline."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import anthropic
import httpx2
from anthropic.types import (
    Message,
    OutputConfigParam,
    RawMessageStreamEvent,
    TextBlock,
    ThinkingConfigParam,
)

from neural_tools.failure import AttemptFailedError, Circumstances, Failure, explain
from neural_tools.prompt import Question
from neural_tools.settings import Effort, Settings, Thinking

BACKOFF_S = 0.1
"""Before the first retry; doubles with each. The deadline is short, and so is this."""

_ANSWER_TOKENS = 64
_ANSWER_TOKENS_PER_CANDIDATE = 16
_THINKING_TOKENS = 4096

_EFFORTS: Mapping[Effort, Literal["low", "medium", "high", "xhigh", "max"]] = {
    Effort.LOW: "low",
    Effort.MEDIUM: "medium",
    Effort.HIGH: "high",
    Effort.XHIGH: "xhigh",
    Effort.MAX: "max",
}

_had_headers: ContextVar[list[bool]] = ContextVar("neural_tools_had_headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer of the model."""

    text: str
    model: str
    request_id: str | None
    input_tokens: int
    output_tokens: int
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Time, chance and network, as the application meets them; tests hand in others."""

    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    transport: httpx2.AsyncBaseTransport | None = None


class MessagesCall:
    """Asks questions with the official SDK; belongs to one event loop.

    The SDK's retries are off: it would wait as long as a `retry-after` says, which may be hours.
    """

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self._settings = settings
        self._outside = outside
        self._abandoned: set[asyncio.Task[Reply]] = set()
        self._client = anthropic.AsyncAnthropic(
            # Always explicit: without it the SDK looks for other credentials on the machine.
            api_key=settings.api_key,
            base_url=settings.base_url,
            max_retries=0,
            timeout=settings.deadline_s,
            http_client=anthropic.DefaultAsyncHttpxClient(
                transport=outside.transport, event_hooks={"response": [_note_headers]}
            ),
        )

    async def ask(self, question: Question) -> Reply:
        """Return the model's answer before the deadline is over.

        The timeouts of an HTTP library count from byte to byte, so a server that sends one now and
        then keeps a request for ever. This deadline is for the whole: when it is over the request
        is cancelled, and nobody waits until it has noticed.

        Raises:
            AttemptFailedError: a transient failure.
            ConfigurationError: a failure that lasts until somebody changes something.
        """
        ends_s = self._outside.clock() + self._settings.deadline_s
        counter = [0]
        task = asyncio.ensure_future(self._attempts(question, ends_s, counter))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._settings.deadline_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            return task.result()
        self._abandon(task)
        raise AttemptFailedError(Failure(reason="timeout").after(counter[0]))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _abandon(self, task: "asyncio.Task[Reply]") -> None:
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[Reply]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # it lost the race against the deadline; nobody else will look

    async def _attempts(self, question: Question, ends_s: float, counter: list[int]) -> Reply:
        while True:
            counter[0] += 1
            reply = await self._attempt(question, counter[0])
            if isinstance(reply, Reply):
                return reply
            delay_s = self._delay_s(reply, counter[0])
            is_last = not reply.is_retryable or counter[0] >= self._settings.attempts
            if is_last or self._outside.clock() + delay_s >= ends_s:
                raise AttemptFailedError(reply.after(counter[0]))
            await self._outside.sleep(delay_s)

    async def _attempt(self, question: Question, number: int) -> Reply | Failure:
        seen: list[bool] = []
        _had_headers.set(seen)
        try:
            if self._settings.stream:
                return await self._stream(question, number)
            return await self._create(question, number)
        except (
            anthropic.AnthropicError,
            AttemptFailedError,
            httpx2.HTTPError,
            httpx2.StreamError,
            OSError,
            ValueError,
        ) as error:
            meaning = explain(error, self._circumstances(had_headers=bool(seen)))
            if isinstance(meaning, Failure):
                return meaning
            if meaning is None:
                raise
            raise meaning from error

    async def _create(self, question: Question, number: int) -> Reply:
        message = await self._client.messages.create(
            model=self._settings.model,
            max_tokens=_max_tokens(self._settings, question),
            system=question.system,
            messages=[{"role": "user", "content": question.user}],
            thinking=_thinking(self._settings),
            output_config=_output_config(self._settings, question),
        )
        return _reply(message, number)

    async def _stream(self, question: Question, number: int) -> Reply:
        stream = await self._client.messages.create(
            model=self._settings.model,
            max_tokens=_max_tokens(self._settings, question),
            system=question.system,
            messages=[{"role": "user", "content": question.user}],
            thinking=_thinking(self._settings),
            output_config=_output_config(self._settings, question),
            stream=True,
        )
        folded = _Fold(request_id=stream.response.headers.get("request-id"))
        async with stream:
            async for event in stream:
                folded.add(event)
        return folded.reply(number)

    def _delay_s(self, failure: Failure, attempt: int) -> float:
        if failure.retry_after_s is not None:
            return failure.retry_after_s
        return BACKOFF_S * 2.0 ** (attempt - 1) * (0.75 + 0.25 * self._outside.chance())

    def _circumstances(self, *, had_headers: bool) -> Circumstances:
        return Circumstances(
            model=self._settings.model,
            key_variables=self._settings.key_variables,
            api_key=self._settings.api_key,
            wall_s=self._outside.wall_clock(),
            had_headers=had_headers,
        )


class _Fold:
    """Collects the events of a stream; only `message_stop` makes it whole."""

    def __init__(self, request_id: str | None) -> None:
        self._request_id = request_id
        self._texts: list[str] = []
        self._stop_reason: str | None = None
        self._model = ""
        self._input_tokens = self._output_tokens = 0
        self._has_ended = False

    def add(self, event: RawMessageStreamEvent) -> None:
        if event.type == "message_start":
            self._model = event.message.model
            self._input_tokens = event.message.usage.input_tokens
        elif event.type == "content_block_delta":
            if event.delta.type == "text_delta":
                self._texts.append(event.delta.text)
        elif event.type == "message_delta":
            self._stop_reason = event.delta.stop_reason
            self._output_tokens = event.usage.output_tokens  # cumulative
        elif event.type == "message_stop":
            self._has_ended = True

    def reply(self, number: int) -> Reply:
        if not self._has_ended or self._stop_reason is None:
            raise AttemptFailedError(Failure(reason="cut_stream", request_id=self._request_id))
        _check_stop(self._stop_reason, self._request_id)
        return Reply(
            text="".join(self._texts),
            model=self._model,
            request_id=self._request_id,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            attempts=number,
        )


def _reply(message: object, number: int) -> Reply:
    # The SDK passes on whatever a 200 held: HTML comes as text, `{}` as a Message of Nones.
    if not isinstance(message, Message) or not isinstance(message.content, list):
        raise _malformed(None)
    request_id = message._request_id  # noqa: SLF001 - documented by the SDK as its public name
    _check_stop(message.stop_reason, request_id)
    texts = [block.text for block in message.content if isinstance(block, TextBlock)]
    if not all(isinstance(text, str) for text in texts):
        raise _malformed(request_id)
    usage = message.usage
    return Reply(
        text="".join(texts),
        model=str(message.model),
        request_id=request_id,
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
        attempts=number,
    )


def _check_stop(stop_reason: str | None, request_id: str | None) -> None:
    if stop_reason == "end_turn":
        return
    if stop_reason in {"refusal", "max_tokens"}:
        failure = Failure(reason=stop_reason, is_retryable=False, request_id=request_id)
        raise AttemptFailedError(failure)
    raise _malformed(request_id)


def _malformed(request_id: str | None) -> AttemptFailedError:
    failure = Failure(reason="malformed_answer", is_retryable=False, request_id=request_id)
    return AttemptFailedError(failure)


def _max_tokens(settings: Settings, question: Question) -> int:
    answer = _ANSWER_TOKENS + _ANSWER_TOKENS_PER_CANDIDATE * len(question.ids)
    return answer if settings.thinking is Thinking.DISABLED else answer + _THINKING_TOKENS


def _thinking(settings: Settings) -> ThinkingConfigParam | anthropic.Omit:
    kinds: dict[Thinking, ThinkingConfigParam] = {
        Thinking.DISABLED: {"type": "disabled"},
        Thinking.ADAPTIVE: {"type": "adaptive"},
        Thinking.BETWEEN_TOOLS: {"type": "between_tools"},
    }
    return kinds.get(settings.thinking, anthropic.omit)


def _output_config(settings: Settings, question: Question) -> OutputConfigParam:
    config: OutputConfigParam = {"format": {"type": "json_schema", "schema": question.schema}}
    if settings.effort is not Effort.DEFAULT:
        config["effort"] = _EFFORTS[settings.effort]
    return config


async def _note_headers(_: httpx2.Response) -> None:
    """Remember that headers came: a connection that breaks after them cut an answer."""
    seen = _had_headers.get(None)
    if seen is not None:
        seen.append(True)
