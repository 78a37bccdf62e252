"""Waivers of differences have an owner, a reason and an end; a wrong file is one clear line."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from l9gate.errors import SettingsError
from l9gate.store.waivers import DriftWaiver, read_waivers

CODES = ("shape.gone", "header.missing")
WHOLE = '[[waiver]]\ncode = "shape.gone"\nreason = "r"\nowner = "Ada"\nexpires = 2027-06-30\n'
ONE = DriftWaiver(code="shape.gone", reason="r", owner="Ada", expires=date(2027, 6, 30))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "waivers.toml"


def test_a_file_that_is_not_there_waives_nothing(file: Path) -> None:
    assert read_waivers(file, CODES) == ()


def test_a_waiver_is_read_whole(file: Path) -> None:
    file.write_text(WHOLE)
    assert read_waivers(file, CODES) == (ONE,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (WHOLE.replace("shape.gone", "shape.gon"), "there is no code `shape.gon`"),
        (WHOLE.replace('owner = "Ada"\n', ""), "owner"),
        (WHOLE + "until = 1\n", "until"),
        (WHOLE.replace("2027-06-30", '"never"'), "expires|date"),
        ("[[waiver", "waivers.toml"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(file: Path, text: str, why: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError, match=why):
        read_waivers(file, CODES)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_waivers(tmp_path, CODES)


def test_a_waiver_holds_through_its_last_day() -> None:
    assert not ONE.has_expired(date(2027, 6, 30))
    assert ONE.has_expired(date(2027, 7, 1))


def test_a_waiver_covers_its_code_and_no_more_than_it_names() -> None:
    narrow = DriftWaiver(
        code="shape.gone", reason="r", owner="o", expires=date.max, probe="message", path="/x"
    )
    assert ONE.covers("shape.gone", "any", "/any")
    assert not ONE.covers("shape.added", "any", "/any")
    assert narrow.covers("shape.gone", "message", "/x")
    assert not narrow.covers("shape.gone", "tools", "/x")
    assert not narrow.covers("shape.gone", "message", "/y")


@pytest.mark.parametrize(
    ("probe", "asked", "is_covered"),
    [
        (None, "message", True),
        (None, "", True),  # what an application is answered
        ("message", "message", True),
        ("message", "tools", False),
        ("message", "", False),
    ],
)
def test_a_waiver_of_a_probe_is_about_its_answers_alone(
    probe: str | None, asked: str, *, is_covered: bool
) -> None:
    waiver = msgspec.structs.replace(ONE, probe=probe)
    assert waiver.covers("shape.gone", asked, "/a") is is_covered
    assert waiver.is_about("shape.gone", "/a")
    assert not waiver.covers("header.missing", asked, "/a")
