"""Drives the official SDK's own client: what its users see, retries and parsing included."""

import json
from array import array
from math import isnan

from anthropic import AsyncAnthropic, AsyncStream
from anthropic.types import Message, RawMessageStreamEvent

from l9gate.drive.call import origin_said
from l9gate.drive.columns import Row
from l9gate.drive.plan import Wire
from l9gate.drive.workload import MESSAGES, Job
from l9gate.errors import PlanError
from l9gate.evidence.load import CallEnd, CallMark
from l9gate.measure.clock import Clock
from l9gate.wire import headers as names
from l9gate.wire.messages import usage_of

_KINDS = {
    "text_delta": "first_text_s",
    "thinking_delta": "first_thinking_s",
    "input_json_delta": "first_tool_s",
}


class SdkEntry:
    """Sends jobs through one `AsyncAnthropic`, as an application would."""

    def __init__(self, wire: Wire, clock: Clock, *, max_retries: int = 2) -> None:
        self._wire = wire
        self.origin = wire.origin
        self._clock = clock
        self._max_retries = max_retries
        self._client: AsyncAnthropic

    async def open(self) -> None:
        """Make the client."""
        self._client = AsyncAnthropic(
            base_url=self._wire.base_url,
            auth_token=self._wire.key,
            timeout=self._wire.timeout_s,
            max_retries=self._max_retries,
        )

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def call(self, job: Job, due_s: float) -> Row:
        """Carry out one call.

        Raises:
            PlanError: the job is no message.
        """
        if job.path != MESSAGES:
            raise PlanError(f"the SDK's client sends messages, not `{job.path}`")
        sent_s = self._clock.now_s()
        row = Row(due_s=due_s, sent_s=sent_s, ended_s=sent_s, end=CallEnd.OK)
        row.origin = self._wire.origin
        await self._send(job, row)
        row.ended_s = self._clock.now_s()
        return row

    async def _send(self, job: Job, row: Row) -> None:
        extra = json.loads(job.body)
        raw = await self._client.messages.with_raw_response.create(
            **extra, extra_headers=dict(job.headers)
        )
        row.headers_s = self._clock.now_s()
        if raw.headers.get(self._wire.proof_header):
            row.marks |= CallMark.HAS_REQUEST_ID
        row.origin = origin_said(raw.headers.get(names.ORIGIN), row.origin)
        answer = await raw.parse()
        if isinstance(answer, AsyncStream):
            await self._listen(answer, row)
        elif isinstance(answer, Message):
            row.usage = usage_of(answer.usage.to_dict())
            row.marks |= CallMark.HAS_USAGE

    async def _listen(self, stream: "AsyncStream[RawMessageStreamEvent]", row: Row) -> None:
        """Note when content came, as whoever iterates over the events sees it."""
        gaps_s = array("f")
        last_s, has_stopped, usage = float("nan"), False, None
        row.gaps_s = gaps_s
        async for event in stream:
            at_s = self._clock.now_s()
            if event.type == "content_block_delta":
                if isnan(last_s):
                    row.first_token_s = at_s
                else:
                    gaps_s.append(at_s - last_s)
                last_s = at_s
                first = _KINDS.get(event.delta.type)
                if first is not None and isnan(getattr(row, first)):
                    setattr(row, first, at_s)
            elif event.type == "message_start":
                usage = usage_of(event.message.usage.to_dict())
                row.marks |= CallMark.HAS_USAGE
            elif event.type == "message_delta":
                usage = usage_of(event.usage.to_dict(), usage)
            elif event.type == "message_stop":
                has_stopped = True
        row.usage = usage
        row.end = CallEnd.OK if has_stopped else CallEnd.CUT
