"""The filter's program, run by a small interpreter of its own instructions."""

import struct

import pytest

from l9gate.observe import kernel, supervisor
from l9gate.observe.kernel import build_filter

PASS, ASK, ABSENT = kernel._PASS, kernel._ASK, kernel._ABSENT
CONNECT, SEND_TO, SEND_MESSAGE, SEND_MESSAGES = range(4)


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Return what the kernel would do about a system call."""
    found = kernel._ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("=iIQ6Q", number, found, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    program = list(struct.iter_unpack("=HBBI", build_filter(machine)))
    place = value = 0
    while True:
        code, if_equal, if_not, operand = program[place]
        place += 1
        if code == kernel._RETURN:
            return int(operand)
        if code == kernel._LOAD:
            (value,) = struct.unpack_from("=I", data, operand)
        else:
            place += if_equal if value == operand else if_not


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_calls_with_an_address_are_asked_about_and_no_others(machine: str) -> None:
    calls = supervisor.CALLS[machine]
    assert decide(machine, calls[CONNECT], 3, 4096, 16) == ASK
    assert decide(machine, calls[SEND_MESSAGES], 3, 4096, 2) == ASK
    assert decide(machine, calls[SEND_MESSAGE], 3, 4096, 0) == ASK
    assert decide(machine, calls[SEND_TO], 3, 4096, 5, 0, 8192, 16) == ASK
    assert decide(machine, calls[SEND_TO], 3, 4096, 5, 0, 0, 0) == PASS
    assert decide(machine, kernel._IO_URING_SETUP, 8, 4096) == ABSENT
    assert decide(machine, 1, 3, 4096, 16) == PASS


def test_the_message_that_hands_the_listener_over_asks_nobody() -> None:
    number = supervisor.CALLS["x86_64"][SEND_MESSAGE]
    assert decide("x86_64", number, 3, 4096, kernel._HAND_OVER) == PASS


def test_calls_of_another_architecture_have_other_numbers_and_pass() -> None:
    assert decide("x86_64", supervisor.CALLS["x86_64"][CONNECT], architecture=0x40000003) == PASS
