"""What is told of a difference holds names and types, never what somebody wrote."""

from l9gate.contract.drift import Firsts, distinct, name_of, sketch, tell
from l9gate.contract.rules import Aspect, Impact
from l9gate.wire.json import JsonObject

BODY: JsonObject = {
    "type": "tool_use",
    "id": "toolu_secret",
    "count": 3,
    "my secret key": "secret",
    "input": {"secret": 1},
    "list": [{"text": "secret"}, {}],
    "none": [],
    "deep": {"a": {"b": {"c": "secret"}}},
}


def test_a_sketch_shows_names_and_types() -> None:
    shown = sketch(BODY)
    assert "secret" not in shown
    assert shown.startswith("{type: `tool_use`, id: string, count: integer, …: string, input: obj")
    assert "list: [{text: string}, …], none: array" in shown
    assert sketch("secret") == "string"


def test_a_sketch_fits_a_line() -> None:
    shown = sketch({f"key_{number}": None for number in range(100)})
    assert len(shown) == 160
    assert shown.endswith("…")


def test_only_a_name_is_shown_as_it_is() -> None:
    assert name_of("end_turn") == "`end_turn`"
    assert name_of("two words") == "string"
    assert name_of("a" * 65) == "string"
    assert name_of(None) == "null"


def test_a_difference_knows_its_rule() -> None:
    drift = tell("shape.added", "/x", "nothing", "string")
    assert (drift.impact, drift.aspect) == (Impact.COMPATIBLE, Aspect.SHAPE)
    assert drift.rule.text.startswith("There is a field")
    assert not drift.is_grave
    assert tell("shape.added", "/x", "", "", impact=Impact.WARNING).is_grave


def test_the_gravest_comes_first_and_once() -> None:
    added, missing = tell("shape.added", "/x", "", ""), tell("shape.missing", "/y", "", "")
    status = tell("status.changed", "status", "", "")
    assert distinct([added, missing, added, status]) == [status, missing, added]


def test_the_first_of_each_kind_is_kept_and_no_more_than_can_be_read() -> None:
    same = [tell("shape.missing", f"event {n} /delta/text", "string", str(n)) for n in range(9)]
    assert list(Firsts(same)) == same[:1]
    many = Firsts(tell("shape.added", f"event 0 /{n}", "nothing", "null") for n in range(999))
    assert len(list(many)) == 256
