"""What a soak is asked for is checked before anything starts, and kept without keys."""

from pathlib import Path
from typing import cast

import pytest

from l9gate.errors import RunDataError, UsageError
from l9gate.evidence.load import Entry
from l9gate.gate.soak_asked import FILE, SoakAsked, read_asked, write_asked
from l9gate.store.run import RunFolder
from l9gate.wire.redaction import Redactor


class Folder:
    """As much of a run folder as is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sealed = False

    def write(self, name: str, data: bytes) -> None:
        (self.path / name).write_bytes(data)

    def is_sealed(self) -> bool:
        return self.sealed


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return cast("RunFolder", Folder(tmp_path))


def asked(**fields: object) -> SoakAsked:
    return SoakAsked(duration_s=600, environment="development", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "which process"),
        ({"pid": 7, "command": "python x.py"}, "two processes"),
        ({"pid": 7, "attribute": True}, "may start again"),
    ],
)
def test_what_is_to_be_watched_is_said_once(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked(**fields).check()


def test_an_application_in_this_process_needs_no_other() -> None:
    asked(entry=Entry.APP, app="app:ask").check()
    asked(command="python x.py", attribute=True).check()


@pytest.mark.parametrize(
    ("duration_s", "every_s"), [(3, 0.1), (600, 2.0), (1_200, 4.0), (86_400, 5.0)]
)
def test_readings_are_three_hundred_or_more(duration_s: float, every_s: float) -> None:
    found = SoakAsked(duration_s=duration_s, environment="development")
    assert found.reads_every_s == every_s


def test_what_was_asked_is_read_back(folder: RunFolder) -> None:
    said = asked(command="python server.py 8000", rate="closed 8", time_factor=12.0)
    write_asked(folder, said, Redactor())
    assert read_asked(folder) == said


def test_a_key_in_a_command_is_not_kept(folder: RunFolder) -> None:
    said = asked(command="env TEAM_API_KEY=my-own-secret-1 python server.py")
    write_asked(folder, said, Redactor(["my-own-secret-1"]))
    assert "my-own-secret" not in (folder.path / FILE).read_text()
    with pytest.raises(RunDataError, match="is not kept"):
        read_asked(folder)


def test_only_an_unfinished_soak_goes_on(folder: RunFolder) -> None:
    with pytest.raises(RunDataError, match="is no soak"):
        read_asked(folder)
    write_asked(folder, asked(), Redactor())
    cast("Folder", folder).sealed = True
    with pytest.raises(RunDataError, match="is finished"):
        read_asked(folder)
