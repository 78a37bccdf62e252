"""Sends the questions and returns what came back; judges nothing and never raises for an answer."""

import asyncio
import re
from collections.abc import Iterable

import msgspec

from l9gate.contract import Observed, is_transient, parse_asked, parse_observed
from l9gate.errors import BodyCutError, DependencyError, L9gateError, WireError
from l9gate.measure.clock import Clock
from l9gate.net.client import stream
from l9gate.observe.own import OwnRequest, showing
from l9gate.observe.views import Url
from l9gate.sources.probe.plan import ProbePlan
from l9gate.sources.probe.questions import WRONG_KEY, Question
from l9gate.store.account import Payer, Reservation
from l9gate.wire.headers import (
    API_VERSION,
    AUTHORIZATION,
    OWN_AGENT,
    RETRY_COUNT,
    USER_AGENT,
    parse_retry_after,
)
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.messages import Usage, usage_of
from l9gate.wire.offer import is_paid, parse_offers

_ATTEMPTS = 3
_PAUSE_S = 0.5  # before asking again, where the answer does not say how long
_MAX_PAUSE_S = 5.0
_LEAST_SECRET = 12  # characters; a shorter one is a word that gateways without keys are given
_HIDDEN = "(key)"
_TOO_LATE = "the time for all probes was over"


class ProbeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one question; without an exchange `failure` says why."""

    probe: str
    observed: Observed | None = None
    failure: str | None = None


async def ask(plan: ProbePlan, clock: Clock) -> list[ProbeAnswer]:
    """Ask every question as often as the plan says, several side by side.

    Returns:
        Answers in the order of the questions, the repeats of one side by side.

    Raises:
        BudgetError: the account, or who watches, did not allow a call; it was not sent.
        WriteError: the ledger cannot be written; the call was not sent.
    """
    places = asyncio.Semaphore(plan.side_by_side)
    ends_s = clock.now_s() + plan.limit_s

    async def ask_in_turn(question: Question) -> ProbeAnswer:
        async with places:
            left_s = ends_s - clock.now_s()
            if left_s <= 0:
                return ProbeAnswer(probe=question.name, failure=_TOO_LATE)
            try:
                async with asyncio.timeout(left_s):
                    return await _ask_patiently(plan, question)
            except TimeoutError:
                return ProbeAnswer(probe=question.name, failure=_TOO_LATE)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(ask_in_turn(question))
                for question in plan.questions
                for _ in range(plan.repeats)
            ]
    except* L9gateError as refused:
        raise refused.exceptions[0] from None
    return [task.result() for task in tasks]


async def _ask_patiently(plan: ProbePlan, question: Question) -> ProbeAnswer:
    """Ask again while the answer only says that now is a bad time."""
    answer = await _ask_once(plan, question, 0)
    for attempt in range(1, _ATTEMPTS):
        observed = answer.observed
        if observed is not None and not is_transient(observed.status):
            break
        headers = {} if observed is None else observed.headers
        asked_s = parse_retry_after(headers, now_s=0.0)
        await asyncio.sleep(min(_PAUSE_S if asked_s is None else asked_s, _MAX_PAUSE_S))
        answer = await _ask_once(plan, question, attempt)
    return answer


async def _ask_once(plan: ProbePlan, question: Question, attempt: int) -> ProbeAnswer:
    payload = question.payload()
    headers = _headers(plan, question)
    if attempt:
        headers[RETRY_COUNT] = str(attempt)
    url = Url(plan.base_url.rstrip("/") + question.path)
    request = OwnRequest(question.method, url, headers, payload, probe=question.name)
    held = _reserve(plan, question, payload)
    try:
        status, told, data = await _send(plan, request, payload)
    except (DependencyError, WireError) as error:
        return ProbeAnswer(probe=question.name, failure=str(error))
    asked = parse_asked(question.method, question.path, headers, payload)
    told, body = _without_key(plan.key, told, data)
    observed = parse_observed(asked, status, told, body, question.name)
    _settle(held, observed)
    return ProbeAnswer(probe=question.name, observed=observed)


async def _send(
    plan: ProbePlan, request: OwnRequest, payload: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer; one that was cut as far as it came."""
    data = bytearray()
    head: tuple[int, dict[str, str]] | None = None
    try:
        with showing(plan.entrance, request) as passage:
            async with stream(
                request.method,
                str(request.url),
                headers=request.headers,
                body=payload,
                timeout_s=plan.answer_limit_s,
            ) as response:
                head = response.status, response.headers
                passage.answered(*head, response.peer)
                async for chunk in response.chunks():
                    data += chunk.data
                    passage.received(chunk.data)
    except BodyCutError:
        if head is None or not data:
            raise
    assert head is not None  # noqa: S101  # else it has raised
    return *head, bytes(data)


def _headers(plan: ProbePlan, question: Question) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        USER_AGENT: OWN_AGENT,
    }
    if question.api_version is not None:
        headers[API_VERSION] = question.api_version
    if question.credential != "none":
        key = plan.key if question.credential == "own" else WRONG_KEY
        headers[AUTHORIZATION] = f"Bearer {key}"
    return headers | question.headers


def _without_key(key: str, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Return an answer without the key, which an endpoint may say back even as a name or a type."""
    if len(key) < _LEAST_SECRET:
        return headers, body
    pattern = re.compile(re.escape(key), re.IGNORECASE)
    told = {pattern.sub(_HIDDEN, name): pattern.sub(_HIDDEN, headers[name]) for name in headers}
    return told, re.sub(re.escape(key).encode(), _HIDDEN.encode(), body, flags=re.IGNORECASE)


def _reserve(plan: ProbePlan, question: Question, payload: bytes) -> Reservation | None:
    if plan.account is None or not is_paid(question.method, question.path):
        return None
    payer = Payer(expects_refusal=question.is_refused)
    return plan.account.reserve(parse_offers(question.path, payload), payer)


def _settle(held: Reservation | None, observed: Observed) -> None:
    """Replace the bound by what is known of the cost; what is not known stays at its bound."""
    if held is None:
        return
    if 300 <= observed.status < 500:
        held.release()
        return
    usage, is_whole = _usage_of(observed)
    if observed.status < 300 and usage is not None:
        held.settle(usage, is_whole=is_whole)


def _usage_of(observed: Observed) -> tuple[Usage | None, bool]:
    """Return what was counted, and whether the count is the last one."""
    if observed.events is None:
        return usage_of((parse_object(observed.body) or {}).get("usage")), True
    usage: Usage | None = None
    for part in _objects(event.data for event in observed.events):
        message = part.get("message")
        usage = usage_of(message.get("usage") if isinstance(message, dict) else None, usage)
        usage = usage_of(part.get("usage"), usage)
    return usage, any(event.event == "message_stop" for event in observed.events)


def _objects(texts: Iterable[bytes]) -> Iterable[JsonObject]:
    return (found for text in texts if (found := parse_object(text)) is not None)
