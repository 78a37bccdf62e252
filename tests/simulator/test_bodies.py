"""What `content-encoding` says is undone, within bounds."""

import gzip
import zlib

import pytest

from l9gate.simulator.bodies import decode_body
from l9gate.simulator.refusal import Refusal

BODY = b'{"model": "x"}'
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED_RAW = RAW.compress(BODY) + RAW.flush()


@pytest.mark.parametrize(
    ("data", "encodings"),
    [
        (BODY, None),
        (BODY, ""),
        (BODY, "identity"),
        (gzip.compress(BODY, mtime=0), "gzip"),
        (gzip.compress(BODY, mtime=0), "X-GZIP"),
        (zlib.compress(BODY), "deflate"),
        (DEFLATED_RAW, "deflate"),
        (zlib.compress(gzip.compress(BODY, mtime=0)), "gzip, deflate"),
    ],
)
def test_an_encoded_body_is_decoded(data: bytes, encodings: str | None) -> None:
    assert decode_body(data, encodings) == BODY


@pytest.mark.parametrize(
    ("data", "encodings", "status", "code"),
    [
        (BODY, "br", 400, "request_body_encoding_unsupported"),
        (BODY, "gzip, zstd", 400, "request_body_encoding_unsupported"),
        (BODY, "gzip,gzip,gzip,gzip,gzip", 400, "request_body_encoding_unsupported"),
        (BODY, "gzip", 400, "request_body_encoding_invalid"),
        (BODY, "deflate", 400, "request_body_encoding_invalid"),
        (gzip.compress(BODY, mtime=0)[:-9], "gzip", 400, "request_body_encoding_invalid"),
        (b"", "gzip", 400, "request_body_encoding_invalid"),
        (gzip.compress(b"x" * 101), "gzip", 413, "request_body_too_large_after_decoding"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_refused(
    data: bytes, encodings: str, status: int, code: str
) -> None:
    refusal = decode_body(data, encodings, max_bytes=100)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (status, code)


def test_a_body_of_just_the_limit_is_decoded() -> None:
    assert decode_body(gzip.compress(b"x" * 100), "gzip", max_bytes=100) == b"x" * 100
