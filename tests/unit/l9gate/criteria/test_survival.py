"""Which tests survive an endpoint that cannot serve them, and what is said of them."""

from collections.abc import Callable

import pytest

from l9gate.criteria.survival import assess, find_talking
from l9gate.evidence.records import Control, Layer, Remark, RemarkKind, TestOutcome, TestState
from l9gate.evidence.sightings import Against, Attempt, Sighting

DEAD, REFUSING, GARBAGE = Against
REFUSED = ("connection refused",)
Build = Callable[..., Sighting]


@pytest.fixture
def sighting() -> Build:
    def build(name: str = "t.py::test_a", **changes: object) -> Sighting:
        of_outcome = TestOutcome.__struct_fields__
        outcome: dict[str, object] = {"state": TestState.PASSED, "layer": None}
        outcome |= {key: value for key, value in changes.items() if key in of_outcome}
        rest: dict[str, object] = {"calls": 1, "endings": REFUSED}
        rest |= {key: value for key, value in changes.items() if key not in of_outcome}
        test = TestOutcome(at_s=1.0, node_id=name, duration_s=0.1, **outcome)  # type: ignore[arg-type]
        return Sighting(outcome=test, place="t.py:3", **rest)  # type: ignore[arg-type]

    return build


def attempt(*sightings: Sighting, **changes: object) -> Attempt:
    seen = {one.outcome.node_id: one for one in sightings}
    given: dict[str, object] = {"sightings": seen, "tests": tuple(seen), **changes}
    return Attempt(**given)  # type: ignore[arg-type]


def control_of(*runs: Attempt) -> Control:
    return assess(dict(zip(Against, runs, strict=False)), "d", (), 1.0)


def in_all(*sightings: Sighting) -> Control:
    return control_of(*[attempt(*sightings) for _ in Against])


def test_a_test_that_fails_everywhere_leaves_nothing_to_say(sighting: Build) -> None:
    found = in_all(sighting(state=TestState.FAILED), sighting("t.py::test_b", calls=0))
    assert (found.tests, found.survivors, found.open_ends) == (1, (), ())


def test_a_swallowed_failure_survives_and_is_told_with_its_place(sighting: Build) -> None:
    place = "caught at app.py:9 (except Exception)"
    found = in_all(sighting(calls=3, caught=(place,), asserts=False, fallback="down"))
    (one,) = found.survivors
    assert (one.place, one.against) == ("t.py:3", ("dead", "refusing", "garbage"))
    assert one.reason == (
        "none of its 3 calls was served (connection refused) and it passed all the same; "
        f"{place}; fallback: down; asserts nothing"
    )


def test_a_failure_that_was_rewritten_is_told(sighting: Build) -> None:
    remark = Remark(kind=RemarkKind.REWRITTEN, detail="APIError at t.py:4")
    (one,) = in_all(sighting(remarks=(remark,))).survivors
    assert one.reason.endswith("; failed, and was turned into a pass: APIError at t.py:4")


def test_a_survivor_is_named_only_against_what_it_survived(sighting: Build) -> None:
    failed = attempt(sighting(state=TestState.FAILED))
    found = control_of(failed, failed, attempt(sighting(endings=("garbage",))))
    assert [one.against for one in found.survivors] == [("garbage",)]


@pytest.mark.parametrize(
    ("state", "reason"),
    [(TestState.SKIPPED, "skipped: no API"), (TestState.XFAILED, "xfail: no API")],
)
def test_a_skip_or_xfail_after_a_call_is_no_failure(
    sighting: Build, state: TestState, reason: str
) -> None:
    found = in_all(sighting(state=state, reason="no API"))
    assert [one.reason for one in found.survivors] == [reason]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"replayed": 1}, "no call was made: recorded cassette (vcrpy)"),
        (
            {"remarks": (Remark(kind=RemarkKind.STAND_IN, detail="Mock `client`"),)},
            "no call was made: Mock `client` stands in for the client",
        ),
        ({"was_cached": True}, "no call was made: served from cache"),
        ({"mocked": 1}, "no call was made: a mock transport answered"),
        ({}, "no call was made"),
    ],
)
def test_a_real_test_without_a_call_survives(
    sighting: Build, changes: dict[str, object], reason: str
) -> None:
    real = sighting(calls=0, endings=(), layer=Layer.INTEGRATION, **changes)
    assert in_all(real, sighting("b")).survivors[0].reason == reason


def test_without_layers_mocked_tests_are_noted_and_not_accused(sighting: Build) -> None:
    found = in_all(
        sighting(state=TestState.FAILED),
        sighting("m", calls=0, mocked=1),
        sighting("c", calls=0, replayed=1),
        sighting("s", calls=0, state=TestState.SKIPPED),
    )
    assert found.survivors == ()
    assert found.notes == (
        "a mock transport answers, not counted: m",
        "a cassette answers, not counted: c",
        "skipped, not counted: s",
    )


@pytest.mark.parametrize(
    ("declared", "survived"),
    [
        ({"expects_error": ("authentication_error",)}, {"dead", "garbage"}),
        ({"expects_error": ("connection",)}, {"refusing", "garbage"}),
        ({"expects_error": ("malformed_body",)}, {"dead", "refusing"}),
        ({"expects_error": ("rate_limit_error",)}, {"dead", "refusing", "garbage"}),
        ({"expects": ("AuthenticationError",)}, {"dead", "garbage"}),
        ({"expects": ("APIConnectionError",)}, {"refusing", "garbage"}),
        ({"expects": ("Exception",)}, {"dead", "refusing", "garbage"}),
        ({"expects_fallback": True}, set()),
    ],
)
def test_a_declared_error_excuses_only_the_endpoint_that_gives_it(
    sighting: Build, declared: dict[str, object], survived: set[str]
) -> None:
    found = in_all(sighting(**declared))
    assert {against for one in found.survivors for against in one.against} == survived
    assert any(note.startswith("passed as they declare") for note in found.notes) is (
        len(survived) < 3
    )


def test_a_skipped_test_declares_nothing(sighting: Build) -> None:
    found = in_all(sighting(state=TestState.SKIPPED, expects_fallback=True))
    assert len(found.survivors) == 1


def test_what_timed_out_is_no_survivor_and_stays_open(sighting: Build) -> None:
    found = in_all(sighting(timed_out=True))
    assert found.survivors == ()
    assert found.open_ends[0] == "dead: timed out: t.py::test_a"


def test_what_was_not_reached_is_named(sighting: Build) -> None:
    failed = sighting(state=TestState.FAILED)
    cut = attempt(failed, tests=("t.py::test_a", "z"), problem="time ran out", broken=("b.py",))
    found = control_of(cut)
    assert found.open_ends == (
        "dead: time ran out",
        "dead: could not be imported: b.py",
        "dead: not reached: z",
        "refusing: not run",
        "garbage: not run",
    )


def test_no_call_at_all_proves_nothing(sighting: Build) -> None:
    assert in_all(sighting(calls=0)).open_ends == ("no test called the API",)
    real = sighting(calls=0, layer=Layer.CONTRACT, state=TestState.ERROR)
    found = in_all(real)
    assert found.open_ends == ("no test called the API",)
    assert "failed before any call, which shows little: t.py::test_a" in found.notes


def test_offline_tests_are_noted(sighting: Build) -> None:
    found = control_of(attempt(sighting(state=TestState.FAILED), offline=("o",)))
    assert "offline, exempt and not run: o" in found.notes


def test_a_call_against_one_endpoint_makes_a_test_one_that_talks(sighting: Build) -> None:
    quiet, loud = attempt(sighting(calls=0), sighting("b", calls=0)), attempt(sighting())
    assert find_talking({DEAD: quiet, REFUSING: loud}) == ("t.py::test_a",)


def test_survivors_are_told_in_the_order_of_files_and_lines(sighting: Build) -> None:
    first, second = sighting("x::b"), sighting("x::a")
    later = Sighting(outcome=second.outcome, place="t.py:20", calls=1)
    assert [one.node_id for one in in_all(later, first).survivors] == ["x::b", "x::a"]
