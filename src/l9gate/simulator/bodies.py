"""The bytes of a body, once its `content-encoding` is undone.

Which encodings the API takes is not documented; gzip and deflate are. The limit on the size of a
request holds again after decoding, and no more than that is ever decoded.
"""

import zlib

from l9gate.net.http import HttpRequest
from l9gate.simulator.refusal import Refusal, invalid, refuse

CONTENT_ENCODING = "content-encoding"
MAX_BODY_BYTES = 32 * 1024 * 1024
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ENCODINGS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}
_MAX_ENCODINGS = 4  # one upon another


def readable_body(request: HttpRequest) -> bytes:
    """Return what a request says, to look at; nothing if its encoding cannot be undone."""
    encodings = request.headers.get(CONTENT_ENCODING)
    if encodings is None:
        return request.body
    found = decode_body(request.body, encodings)
    return b"" if isinstance(found, Refusal) else found


def decode_body(
    data: bytes, encodings: str | None, max_bytes: int = MAX_BODY_BYTES
) -> bytes | Refusal:
    """Return the body as it was before it was encoded, or the refusal of it.

    Args:
        data: the bytes as they were sent.
        encodings: the header `content-encoding`; the last encoding was applied last.
        max_bytes: how long the decoded body may be.
    """
    if encodings is None:
        return data
    names = [name.strip().lower() for name in encodings.split(",")]
    applied = [name for name in names if name not in {"", "identity"}]
    for name in applied:
        if name not in _ENCODINGS or len(applied) > _MAX_ENCODINGS:
            return invalid(
                f"content-encoding: `{name[:40]}` is not supported",
                "request_body_encoding_unsupported",
            )
    for name in reversed(applied):
        found = _inflate(data, _ENCODINGS[name], max_bytes)
        if found is None:
            return invalid(
                f"content-encoding: the body is not valid {name}", "request_body_encoding_invalid"
            )
        if len(found) > max_bytes:
            return refuse(
                "request_too_large",
                f"the decoded body has more than {max_bytes} bytes",
                "request_body_too_large_after_decoding",
            )
        data = found
    return data


def _inflate(data: bytes, forms: tuple[int, ...], max_bytes: int) -> bytes | None:
    """Return the inflated bytes, at most one more than allowed; None if they cannot be inflated."""
    for form in forms:
        stream = zlib.decompressobj(form)
        try:
            found = stream.decompress(data, max_bytes + 1)
        except zlib.error:
            continue
        if stream.eof or len(found) > max_bytes:
            return found
    return None
