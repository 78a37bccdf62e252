"""Scripts for special cases."""

from pathlib import Path

import pytest

from l9gate.errors import ExitCode, PlanError
from l9gate.simulator.rules import FaultRule
from l9gate.simulator.scenario import parse_rules, read_rules

SCRIPT = """
# a comment
[[rule]]
contains = "weather"
text = "It rains."

[[rule]]
model = "claude-haiku-5-5"
every = 10
fault = "status=529,retry_after=2"

[[rule]]
tool = "open_file"
[rule.input]
path = "a.txt"
"""


def test_a_script_is_rules_in_order() -> None:
    assert parse_rules(SCRIPT) == (
        FaultRule(contains="weather", text="It rains."),
        FaultRule(model="claude-haiku-5-5", every=10, fault="status=529,retry_after=2"),
        FaultRule(tool="open_file", input={"path": "a.txt"}),
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[[rule]]\ntext = ", "script: not TOML", None),
        ("", "script: no rule in it", "begin each rule"),
        ("rule = 3", "script: no rule in it", "begin each rule"),
        ("[[rule]]\ntext = 'a'\n[[rules]]\ntext = 'b'", "line 3: `rules`: no such table", "write"),
        (SCRIPT + "\n[[rule]]\ntxet = 'a'", "line 18: `txet`: no such key", "did you mean `text`?"),
        ("[[rule]]\nq = 1", "line 2: `q`: no such key", "there are: fault"),
        ("[[rule]]\ntext = 'a'\nnth = 'x'", "line 3: `nth`: Expected `int", None),
        ("[[rule]]\nnth = 1", "line 1: fault rule: it does nothing", "give it"),
        (
            "[[rule]]\ntext = 'a'\n[[rule]]\nfault = 'bogus'",
            "line 3: fault `bogus`",
            "known faults",
        ),
        ("rule = [3]", "line 1: Expected `object`", None),
    ],
)
def test_what_cannot_be_meant_is_named_with_line_and_key(
    text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(PlanError) as refused:
        parse_rules(text)
    assert message in str(refused.value)
    assert (refused.value.hint or "").startswith(hint or "")
    assert refused.value.exit_code is ExitCode.CONFIG


def test_a_file_is_named_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    with pytest.raises(PlanError, match="cannot be read"):
        read_rules(path)
    path.write_text("[[rule]]\ntxet = 'a'")
    with pytest.raises(PlanError, match=r"script.toml line 2: `txet`"):
        read_rules(path)
    path.write_text(SCRIPT)
    assert len(read_rules(path)) == 3
