"""A negative control is kept for as long as nothing changes that it holds for."""

from pathlib import Path

import pytest

from l9gate.errors import WriteError
from l9gate.evidence.records import Control
from l9gate.store.controls import digest_of, read_control, write_control
from l9gate.store.settings import Settings, read_settings

TEXT = '[layers.integration]\npaths = ["tests"]\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "tests").mkdir()
    for name, text in {
        "l9gate.toml": TEXT,
        "app.py": "1",
        "tests/data.txt": "1",
        "notes.md": "1",
    }.items():
        (tmp_path / name).write_text(text)
    found = read_settings(tmp_path)
    assert found is not None
    return found


def control(digest: str) -> Control:
    return Control(at_s=1.0, digest=digest, layers=(), tests=1, survivors=(), open_ends=())


@pytest.mark.parametrize("name", ["app.py", "tests/data.txt", "l9gate.toml", "tests/new.py"])
def test_tests_application_and_settings_are_in_the_digest(settings: Settings, name: str) -> None:
    before = digest_of(settings, "policy")
    (settings.root / name).write_text(f"{TEXT}# changed")
    assert digest_of(settings, "policy") != before


def test_the_policy_is_in_the_digest_and_prose_is_not(settings: Settings) -> None:
    before = digest_of(settings, "policy")
    assert digest_of(settings, "another") != before
    (settings.root / "notes.md").write_text("2")
    assert digest_of(settings, "policy") == before


def test_a_control_is_found_again_by_its_digest_only(settings: Settings) -> None:
    digest = digest_of(settings, "policy")
    kept = control(digest)
    assert read_control(settings, digest) is None
    place = write_control(settings, kept)
    assert place.is_relative_to(settings.root / ".l9gate" / "control")
    assert digest_of(settings, "policy") == digest
    assert read_control(settings, digest) == kept
    assert read_control(settings, digest[:16] + "0" * 48) is None
    place.write_text("{")
    assert read_control(settings, digest) is None


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(settings: Settings) -> None:
    (settings.root / ".l9gate").touch()
    with pytest.raises(WriteError, match=r"\.l9gate"):
        write_control(settings, control("d"))
