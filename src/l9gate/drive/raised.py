"""What an exception of a client or of an application says about a call."""

import asyncio

from l9gate.drive.call import classify_status
from l9gate.evidence.load import CallEnd

_MAX_CAUSES = 8
# Class names of the SDK, of httpx and its kin, of aiohttp and of requests, most telling first.
_NAMES = (
    ("Timeout", CallEnd.TIMED_OUT),
    ("ResponseValidation", CallEnd.MALFORMED),
    ("DecodeError", CallEnd.MALFORMED),
    ("DecodingError", CallEnd.MALFORMED),
    ("RemoteProtocol", CallEnd.CUT),
    ("IncompleteRead", CallEnd.CUT),
    ("Payload", CallEnd.CUT),
    ("ChunkedEncoding", CallEnd.CUT),
    ("ReadError", CallEnd.CUT),
    ("Connect", CallEnd.UNREACHABLE),
)


def classify_error(error: BaseException) -> CallEnd:
    """Return what an exception, or the nearest of its causes that says anything, stands for.

    A status comes first (`status_code`, `status`, or those of its `response`), then a time-out,
    then the names of classes.
    """
    current: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if current is None:
            break
        end = _own(current)
        if end is not None:
            return end
        current = current.__cause__ or current.__context__
    return CallEnd.RAISED


def _own(error: BaseException) -> CallEnd | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            status = getattr(holder, name, None)
            if isinstance(status, int) and status >= 300:
                return classify_status(status)
            if isinstance(status, int) and 200 <= status < 300:
                return CallEnd.STREAM_ERROR  # an error after an answer that began well
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return CallEnd.TIMED_OUT
    for kind in type(error).__mro__:
        for word, end in _NAMES:
            if word in kind.__name__:
                return end
    return None
