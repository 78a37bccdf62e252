from datetime import date

import msgspec
import pytest

from l9gate.errors import RunCorruptError, UsageError
from l9gate.store.overrides import Override, append_override, read_overrides
from l9gate.store.run import RunFolder, open_run

OVERRIDE = Override(
    reason="p95 is 2.1 s because of a known incident",
    owner="ada",
    expires=date(2026, 12, 1),
    at="2026-11-22T14:00:00Z",
)


def test_run_without_overrides_has_none(run: RunFolder) -> None:
    assert read_overrides(run) == ()


def test_overrides_are_recorded_beside_sealed_evidence(run: RunFolder) -> None:
    run.seal()
    before = run.database.read_bytes()
    second = msgspec.structs.replace(OVERRIDE, owner="grace")
    append_override(run, OVERRIDE)
    append_override(run, second)
    assert read_overrides(open_run(run.path)) == (OVERRIDE, second)
    assert run.database.read_bytes() == before


@pytest.mark.parametrize("option", ["reason", "owner"])
def test_override_needs_somebody_and_a_reason(run: RunFolder, option: str) -> None:
    with pytest.raises(UsageError, match=f"--{option}"):
        append_override(run, msgspec.structs.replace(OVERRIDE, **{option: " "}))
    assert read_overrides(run) == ()


def test_damaged_override_is_named_by_its_line(run: RunFolder) -> None:
    append_override(run, OVERRIDE)
    with (run.path / "overrides.jsonl").open("a") as file:
        file.write('{"reason": 3}\n')
    with pytest.raises(RunCorruptError, match="line 2"):
        read_overrides(run)
