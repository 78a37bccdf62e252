"""The rules are a list that can be read: each code once, named after what it is about."""

import re
from pathlib import Path

import l9gate.contract
from l9gate.contract import RULES, Aspect, Impact, find_rule

SOURCES = sorted(Path(l9gate.contract.__file__).parent.glob("*.py"))


def test_every_code_is_there_once_and_explained() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z]+\.[a-z_]+", code)] == []
    assert [rule.code for rule in RULES if not rule.text.endswith(".")] == []
    assert {rule.aspect for rule in RULES} == set(Aspect)
    assert {rule.impact for rule in RULES} == set(Impact)


def test_every_rule_is_used_and_every_code_that_is_told_has_a_rule() -> None:
    text = "".join(path.read_text() for path in SOURCES if path.name != "rules.py")
    told = set(re.findall(r'"([a-z]+\.[a-z_]+)"', text)) - {"sheet.toml", "sdk_types.json"}
    told -= {name for name in told if name.startswith("l9gate.")}
    assert told == {rule.code for rule in RULES}


def test_a_code_that_does_not_exist_has_no_rule() -> None:
    assert find_rule("shape.nonsense") is None
    assert find_rule("shape.missing") in RULES
