"""Protocol buffers without a schema."""

import pytest

from l9gate.errors import MalformedBodyError
from l9gate.wire.protobuf import as_double, as_signed, read_fields


def test_fields_come_in_their_order_with_their_numbers() -> None:
    data = bytes.fromhex("0896011203616263" + "19000000000000d03f" + "2501000000")
    assert list(read_fields(data)) == [(1, 150), (2, b"abc"), (3, 0x3FD0000000000000), (4, 1)]
    assert as_double(0x3FD0000000000000) == 0.25


def test_negative_numbers_take_ten_bytes() -> None:
    ((_, number),) = read_fields(b"\x18\xfd" + b"\xff" * 8 + b"\x01")
    assert isinstance(number, int)
    assert (as_signed(number), as_signed(7)) == (-3, 7)


@pytest.mark.parametrize("data", ["08", "0a05616263", "0b", "19" + "00" * 7, "08" + "ff" * 11])
def test_what_ends_too_early_or_is_unknown_is_refused(data: str) -> None:
    with pytest.raises(MalformedBodyError, match="no protocol buffer"):
        list(read_fields(bytes.fromhex(data)))
