import base64
import math
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.hdr import decode_counts, encode_counts
from l9gate.measure.histogram import BUCKETS, Histogram

# What the package `hdrhistogram` makes of 1 ns, 2048 ns, 1 ms (three times) and 1 s.
THEIRS = "HISTFAAAACt4nJNpmSzMwMDAywABzFCakYHhPxjYf4AKMP2WZ9rfx8i2cD4jEwAJtgw3"


@settings(max_examples=30, deadline=None)
@given(values_s=st.lists(st.floats(1e-9, 2e5), max_size=30))
def test_a_histogram_comes_back_from_its_payload(values_s: list[float]) -> None:
    histogram = Histogram()
    histogram.add_many([*values_s, math.inf])
    assert Histogram.from_hdr(histogram.to_hdr(), histogram.infinite) == histogram


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(0, 2**62), max_size=20))
def test_counts_of_any_size_come_back(counts: list[int]) -> None:
    whole = decode_counts(encode_counts(counts), 20)
    assert whole + [0] * (len(counts) - len(whole)) == counts


@pytest.mark.parametrize(
    "payload", [b"", b"x" * 40, encode_counts([1])[:-1], encode_counts([1] * (BUCKETS + 1))]
)
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="HdrHistogram"):
        decode_counts(payload, BUCKETS)


def test_it_is_what_another_implementation_writes() -> None:
    histogram = Histogram()
    histogram.add_many([1e-9, 2048e-9, 1e-3, 1e-3, 1e-3, 1.0])
    theirs = base64.b64decode(THEIRS)
    assert Histogram.from_hdr(theirs) == histogram
    assert zlib.decompress(theirs[8:]) == zlib.decompress(histogram.to_hdr()[8:])
