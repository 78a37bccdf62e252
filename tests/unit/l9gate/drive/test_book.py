from array import array
from collections import Counter
from math import inf, nan

import msgspec
import numpy as np
import pytest

from l9gate.drive.book import BLOCK_ROWS, Book
from l9gate.drive.columns import Place, Row
from l9gate.evidence.codec import decode_record, encode_record
from l9gate.evidence.load import Arm, CallEnd, LoadBlock, LoadHistogram
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.words import Origin
from l9gate.measure.histogram import Histogram
from l9gate.wire.messages import Usage

PLACE = Place("load", 2, "api.anthropic.com", "control.example")
MODEL = "m"


def row_of(number: int = 0, *, end: CallEnd = CallEnd.OK, **fields: object) -> Row:
    due_s = 100.0 + number
    row = Row(due_s=due_s, sent_s=due_s + 0.25, ended_s=due_s + 1.0, end=end, marks=3)
    return msgspec.structs.replace(row, position=number, **fields)


def booked(*rows: Row, exact_values: int = 1_000_000, stream: bool = False) -> MemoryLog:
    log = MemoryLog()
    book = Book(log, PLACE, exact_values)
    for row in rows:
        book.take(Arm.MAIN, MODEL, stream=stream, row=row)
    book.close()
    return log


def floats(column: bytes) -> list[float]:
    values: list[float] = np.frombuffer(column, "<f8").tolist()
    return values


def test_rows_come_back_from_the_columns_of_a_block() -> None:
    streamed = row_of(
        1,
        headers_s=101.5,
        first_token_s=101.6,
        first_tool_s=101.7,
        gaps_s=array("f", [0.5, 0.25]),
        usage=Usage(input_tokens=3, output_tokens=9),
        marks=7,
    )
    (block,) = booked(row_of(0), streamed, row_of(2, end=CallEnd.CUT), stream=True).of(LoadBlock)
    assert decode_record(encode_record(block)) == block
    assert (block.calls, block.span, block.shard, block.host) == (3, "load", 2, PLACE.host)
    assert (block.arm, block.origin, block.model, block.stream) == (Arm.MAIN, "live", "m", True)
    assert np.frombuffer(block.positions, "<u4").tolist() == [0, 1, 2]
    assert floats(block.due_s) == [100, 101, 102]
    assert floats(block.sent_s) == [100.25, 101.25, 102.25]
    assert floats(block.ended_s) == [101, 102, 103]
    assert list(block.ends) == [CallEnd.OK, CallEnd.OK, CallEnd.CUT]
    assert list(block.marks) == [3, 7, 3]
    assert floats(block.first_token_s) == pytest.approx([nan, 101.6, nan], nan_ok=True)
    assert block.first_text_s == b""
    assert np.frombuffer(block.output_tokens, "<u4").tolist() == [0, 9, 0]
    assert np.frombuffer(block.gap_counts, "<u4").tolist() == [0, 2, 0]
    assert np.frombuffer(block.gaps_s, "<f4").tolist() == [0.5, 0.25]
    assert block.usage == Usage(input_tokens=3, output_tokens=9)


def test_columns_without_a_value_are_left_out() -> None:
    (block,) = booked(row_of()).of(LoadBlock)
    empty = (block.headers_s, block.first_token_s, block.output_tokens, block.gaps_s, block.usage)
    assert empty == (b"", b"", b"", b"", None)


@pytest.mark.parametrize("fault", [{"marks": 1}, {"marks": 2}, {"origin": Origin.SIMULATED}])
def test_beyond_single_rows_an_answer_without_proof_counts_as_malformed(
    fault: dict[str, object],
) -> None:
    """Counts have no marks: whoever reads them could not tell it from an answer."""
    log = booked(row_of(), msgspec.structs.replace(row_of(1), **fault), exact_values=0)
    slices = [one for one in log.of(LoadHistogram) if one.quantity == "latency"]
    ends = Counter[int]()
    for one in slices:
        ends.update(one.ends)
    assert ends == {CallEnd.OK: 1, CallEnd.MALFORMED: 1}
    assert sum(Histogram.from_hdr(one.counts).count for one in slices) == 1


def test_arms_and_origins_do_not_share_a_block() -> None:
    log = MemoryLog()
    book = Book(log, PLACE, 100)
    book.take(Arm.MAIN, MODEL, stream=False, row=row_of())
    book.take(Arm.CONTROL, MODEL, stream=False, row=row_of())
    book.take(Arm.MAIN, MODEL, stream=False, row=row_of(origin=Origin.SIMULATED))
    book.close()
    hosts = {(block.arm, block.host) for block in log.of(LoadBlock)}
    assert hosts == {(Arm.MAIN, PLACE.host), (Arm.CONTROL, PLACE.control_host)}
    assert len(list(log.of(LoadBlock))) == 3
    assert book.ends == {CallEnd.OK: 2}


def test_a_book_holds_no_more_than_a_block() -> None:
    log = MemoryLog()
    book = Book(log, PLACE, 10 * BLOCK_ROWS)
    for number in range(BLOCK_ROWS):
        book.take(Arm.MAIN, MODEL, stream=False, row=row_of(number))
    assert [block.calls for block in log.of(LoadBlock)] == [BLOCK_ROWS]


def test_beyond_the_exact_values_calls_are_counts() -> None:
    log = MemoryLog()
    book = Book(log, PLACE, exact_values=1)
    ends = (CallEnd.OK, CallEnd.OK, CallEnd.TIMED_OUT, CallEnd.RATE_LIMITED)
    for end in (CallEnd.OK, *ends):
        book.take(Arm.MAIN, MODEL, stream=False, row=row_of(end=end))
        book.spill()
    book.close()
    assert sum(block.calls for block in log.of(LoadBlock)) == 1
    parts = {part.quantity: part for part in log.of(LoadHistogram)}
    assert parts["latency"].ends == {CallEnd.OK: 2, CallEnd.TIMED_OUT: 1, CallEnd.RATE_LIMITED: 1}
    assert parts["latency"].infinite == 1
    counted = Histogram.from_hdr(parts["latency"].counts, parts["latency"].infinite)
    assert counted.count == 3
    assert counted.quantile(0.5) == pytest.approx(1.0, rel=1e-3)
    assert Histogram.from_hdr(parts["service"].counts).quantile(0.5) == pytest.approx(
        0.75, rel=1e-3
    )
    assert "ttft" not in parts


def test_counts_hold_ttft_and_gaps_of_streams() -> None:
    whole = row_of(first_token_s=100.5, gaps_s=array("f", [0.25]))
    cut_off = row_of(end=CallEnd.TIMED_OUT, first_token_s=100.5, gaps_s=array("f", [0.25]))
    silent = row_of(end=CallEnd.TIMED_OUT)
    log = booked(whole, cut_off, silent, exact_values=0, stream=True)
    parts = {part.quantity: part for part in log.of(LoadHistogram)}
    ttft, gap = parts["ttft"], parts["gap"]
    assert (Histogram.from_hdr(ttft.counts).count, ttft.infinite) == (2, 1)
    assert (Histogram.from_hdr(gap.counts).count, gap.infinite) == (2, 1)


def test_failed_calls_are_in_no_latency() -> None:
    log = MemoryLog()
    book = Book(log, PLACE, 100)
    for end in CallEnd:
        book.take(Arm.MAIN, MODEL, stream=False, row=row_of(end=end))
    book.take(Arm.WARM_UP, MODEL, stream=False, row=row_of())
    book.spill()
    assert book.latency_s.count == 2  # OK, and TIMED_OUT as infinite
    assert book.latency_s.quantile(1.0) == inf
