from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.criteria.alerts import AlertSettings
from l9gate.criteria.criterion import Role, Scope
from l9gate.criteria.place import line_of
from l9gate.criteria.policy import default_policy_text, parse_policy, read_policy
from l9gate.criteria.presence import Presence
from l9gate.criteria.threshold import Threshold
from l9gate.criteria.waiver import NotApplicable
from l9gate.errors import ExitCode, PolicyError
from l9gate.evidence.records import Layer, Origin

SMALL = """\
format = 1

[statistics]
confidence = 0.99
looks = 2

[[criterion]]
name = "fast"
role = "exit"
layers = ["performance"]
require = "p95(latency_s) < 2000ms"
where = { route = "POST /v1/messages", stream = false }
why = "Users wait."

[[criterion]]
name = "covered"
role = "blocker"
require_scenarios = ["timeout"]
why = "It happens."
"""


def refused(text: str) -> tuple[str, str | None]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    assert caught.value.exit_code is ExitCode.CONFIG
    return str(caught.value), caught.value.hint


def test_a_policy_is_what_its_text_says() -> None:
    policy = parse_policy(SMALL, "my.toml")
    fast, covered = policy.criteria
    assert isinstance(fast, Threshold)
    assert (fast.name, fast.role, fast.layers) == (
        "fast",
        Role.EXIT,
        frozenset({Layer.PERFORMANCE}),
    )
    assert fast.where == {"route": "POST /v1/messages", "stream": "false"}
    assert isinstance(covered, Presence)
    assert covered.scenarios == ("timeout",)
    assert policy.why == {"fast": "Users wait.", "covered": "It happens."}
    assert policy.name == "my.toml"
    assert policy.alert_settings == AlertSettings()


def test_the_risk_is_shared_among_the_declared_looks() -> None:
    assert parse_policy(SMALL).alpha == pytest.approx(0.005)
    assert parse_policy(default_policy_text()).alpha == 0.05


def test_the_hash_follows_the_text() -> None:
    assert parse_policy(SMALL).hash == parse_policy(SMALL, "other.toml").hash
    assert parse_policy(SMALL).hash != parse_policy(SMALL + "\n").hash
    assert len(parse_policy(SMALL).hash) == 64


def test_a_criterion_is_asked_only_if_all_its_layers_are() -> None:
    policy = parse_policy(default_policy_text())
    scope = Scope(layers=(Layer.UNIT,), kind=Origin.LIVE, environment="development")
    asked = {criterion.name for criterion in policy.asked(scope)}
    assert {"unit-failures", "unit-runtime", "suite-pass-rate", "own-faults"} <= asked
    assert asked.isdisjoint({"failure-scenarios", "latency-p95", "contract-failures"})


LOADED = """\
format = 1

[[criterion]]
name = "loaded"
role = "exit"
sources = ["load"]
require = "rate(error) <= 5%"
why = "Under load."
"""


def test_a_criterion_is_asked_only_if_its_sources_are() -> None:
    policy = parse_policy(default_policy_text() + LOADED.removeprefix("format = 1\n"))
    (loaded,) = (one for one in policy.criteria if one.name == "loaded")
    suite = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="development")
    load = msgspec.structs.replace(suite, layers=(), sources=("load",))
    assert loaded in policy.asked(load)
    assert loaded not in policy.asked(suite)
    assert loaded not in policy.asked(msgspec.structs.replace(load, sources=("soak",)))
    names = {one.name for one in policy.asked(load)}
    assert "suite-pass-rate" not in names, "no layer was run, so no suite was asked for"
    assert "own-faults" in names, "it is about l9gate itself"


def test_an_unknown_source_is_refused_with_the_known_ones() -> None:
    message, hint = refused(LOADED.replace('["load"]', '["laod"]'))
    assert message == "policy.toml line 6: criterion `loaded`: `sources`: no `laod`"
    assert hint == "did you mean `load`?"


def test_a_file_is_read_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert read_policy(path).name == "mine.toml"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.toml: cannot be read: No such file"):
        read_policy(tmp_path / "none.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"format = 1 # \xff")
    with pytest.raises(PolicyError, match=r"binary\.toml: not UTF-8 at byte 13"):
        read_policy(path)


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("looks = 2", "looks = ", "policy.toml line 5, column 9: no TOML: Invalid value", None),
        ("format = 1", "format = 2", "policy.toml line 1: `format = 2`; this version", None),
        ("format = 1", "# none", "policy.toml: no `format`; this version reads `format = 1`", None),
        ("looks = 2", "lokos = 2", "line 5: `lokos`: no such key", "did you mean `looks`?"),
        ("looks = 2", "looks = 0", "line 5: `looks`: expected `int` >= 1", None),
        ("[statistics]", "[statistic]", "line 3: `statistic`: no such key", "did you mean"),
        (
            "latency_s)",
            "latncy_s)",
            "line 11: criterion `fast`: `p95(latncy_s) < 2000ms`: no such quantity",
            "did you mean `latency_s`?",
        ),
        ('"exit"', '"exti"', "line 9: criterion `fast`: `role`: no `exti`", "mean `exit`?"),
        ("[\"performance", "[\"perf", "line 10: criterion `fast`: `layers`: no `perf", "did you"),
        ("route", "rout", "line 12: criterion `fast`: `where.rout`: no such key", "mean `route`"),
        ("route =", "span =", "`where.span` does not narrow `latency_s`", "it takes layer, model"),
        ("stream = false", "stream = 3", "line 12: criterion `fast`: `where`: expected", None),
        ("stream = false", "stream = \"no\"", "`where.stream` is true or false, not `no`", None),
        ("stream = false", "model = true", "`where.model` is a text, not `True`", None),
        ("stream = false", 'layer = "perf"', "no layer `perf`", "did you mean"),
        ("stream = false", 'layer = "unit"', "which `layers` does not hold", None),
        ("POST /v1", "post v1", "`post v1/messages` is no route", 'write `"POST /v1/messages"`'),
        ('name = "covered"', 'name = "fast"', "line 16: criterion `fast`: the name", None),
        ('name = "covered"', 'name = "A b"', "line 16: criterion `A b`: `name`: expected", None),
        ('name = "covered"', "", "line 15: criterion 2: object missing required field", None),
        ('why = "It', 'wy = "It', "line 19: criterion `covered`: `wy`: no such key", "mean `why`"),
        ("require_scenarios", "# require", "line 15: criterion `covered`: exactly one of", None),
        (
            'require_scenarios = ["timeout"]',
            'require_scenarios = ["timeout"]\nrefuted_by = "rate(error) > 5%"',
            "line 19: criterion `covered`: `rate(error) > 5%`: a single number is needed",
            "such as `cache_stale > 0`",
        ),
        (
            "where = ",
            'refuted_by = "cache_stale > 0"\nwhere = ',
            "line 12: criterion `fast`: `refuted_by` belongs to `require_scenarios`",
            None,
        ),
        (
            'require_scenarios = ["timeout"]',
            'require_scenarios = ["timeout"]\nmin_n = 3',
            "line 19: criterion `covered`: `min_n` has no meaning for scenarios",
            None,
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(
    old: str, new: str, message: str, hint: str | None
) -> None:
    text, found = refused(SMALL.replace(old, new, 1))
    assert message in text
    assert text.startswith("policy.toml")
    assert found is None if hint is None else hint in (found or "")


def test_the_name_of_the_criterion_that_is_always_there_is_reserved() -> None:
    with pytest.raises(PolicyError, match=r"line 8: criterion `complete`.*is taken"):
        parse_policy(SMALL.replace('"fast"', '"complete"'))


def test_text_that_ends_too_early_is_no_toml() -> None:
    assert "no TOML" in refused('format = """')[0]
    assert "nested too deeply" in refused("x = " + "[" * 100_000)[0]


def test_a_table_that_is_a_value_is_refused() -> None:
    assert "`criterion`: expected `array`" in refused("format = 1\ncriterion = 3")[0]
    assert "`statistics`: expected `object`" in refused("format = 1\nstatistics = [3]")[0]
    assert "criterion 1: " in refused("format = 1\ncriterion = [3]")[0]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("failures > 5", "an alert needs a sample or a rate"),
        ("rate(eror) > 5%", "no such quantity"),
    ],
)
def test_an_alert_watches_a_sample_or_a_rate(when: str, message: str) -> None:
    alert = '[[alert]]\nname = "a"\nrequirement = "A-01"\nseverity = "warning"\n'
    text, hint = refused(f'{SMALL}{alert}when = "{when}"\n')
    assert message in text
    assert "line 24: alert `a`: " in text
    assert hint is not None


WAIVER = 'not_applicable = { reason = "no", owner = "Ada", expires = 2027-01-31 }'


def test_a_waiver_wraps_its_criterion() -> None:
    (first, _) = parse_policy(SMALL.replace("where =", f"{WAIVER}\nwhere =")).criteria
    assert isinstance(first, NotApplicable)
    assert (first.name, first.role, first.layers) == (
        "fast",
        Role.EXIT,
        frozenset({Layer.PERFORMANCE}),
    )
    assert first.waiver.expires == date(2027, 1, 31)


def test_a_waiver_needs_an_owner_and_an_end() -> None:
    text, _ = refused(SMALL.replace("where =", 'not_applicable = { reason = "no" }\nwhere ='))
    assert "missing required field `owner`" in text
    misspelt = WAIVER.replace("expires", "until")
    text, hint = refused(SMALL.replace("where =", f"{misspelt}\nwhere ="))
    assert "line 12: criterion `fast`: `until`: no such key" in text
    assert hint == "known are expires, owner, reason"
    text, _ = refused(SMALL.replace("where =", "not_applicable = true\nwhere ="))
    assert "`not_applicable`: expected" in text


@settings(max_examples=40, deadline=None)
@given(
    cut=st.integers(0, len(SMALL)),
    junk=st.text(max_size=6) | st.sampled_from(["[[criterion]]\n", "x = {", "= 1\n", "[alert]\n"]),
)
def test_a_damaged_policy_raises_nothing_but_a_policy_error(cut: int, junk: str) -> None:
    try:
        policy = parse_policy(SMALL[:cut] + junk + SMALL[cut:])
    except PolicyError:
        return
    assert policy.text != "" or cut == 0


def test_a_place_that_is_not_in_the_text_has_no_line() -> None:
    assert line_of(SMALL, ()) is None
    assert line_of(SMALL, (3,)) is None
    assert line_of(SMALL, ("criterion", 7, "role")) is None
    assert line_of(SMALL, ("alerts", "step_s")) is None


def test_a_place_is_found_as_near_as_possible() -> None:
    assert line_of(SMALL, ("criterion", 1)) == 15
    assert line_of(SMALL, ("criterion", 1, "min_n")) == 15
    assert line_of(SMALL, ("criterion", 0, 0, "layers", 0)) == 10
    assert line_of(SMALL, ("criterion", 0, "min_n")) == 7
    assert line_of(SMALL, ("criterion", 0, "where", "stream")) == 12
    assert line_of(SMALL, ("statistics", "looks")) == 5
    assert line_of("statistics.looks = 0\nformat = 1", ("statistics", "looks")) == 1
