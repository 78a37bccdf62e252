from pathlib import Path

import msgspec

from l9gate.errors import RunNotFoundError, RunVersionError
from l9gate.evidence.records import Layer, LayerRun
from l9gate.store.history import last_runtime_s, read_history
from l9gate.store.run import Manifest, RunFolder, create_run


def test_history_is_newest_first_and_lists_broken_runs_with_their_error(
    run: RunFolder, manifest: Manifest
) -> None:
    later = msgspec.structs.replace(manifest, run_id="b", started_at="2026-11-23T00:00:00Z")
    other = create_run(run.path.parent, later, "")
    (other.path / "manifest.json").write_text('{"format_version": 2}')
    (run.path.parent / "00-junk").mkdir()
    broken, good, junk = read_history(run.path.parent)
    assert (good.path, good.manifest, good.error) == (run.path, run.manifest, None)
    assert (broken.path, broken.manifest) == (other.path, None)
    assert isinstance(broken.error, RunVersionError)
    assert isinstance(junk.error, RunNotFoundError)


def test_project_without_runs_has_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "runs") == ()


def test_the_newest_run_that_has_a_layer_says_how_long_it_takes(
    run: RunFolder, manifest: Manifest
) -> None:
    root, layer = run.path.parent, manifest.layers[0]
    assert last_runtime_s(root, layer) is None
    with run.writer("pytest") as sink:
        sink.put(
            LayerRun(
                at_s=9.0, layer=layer, started_s=2.0, ended_s=9.0,
                collected=1, selected=1, exit_status=0,
            )
        )  # fmt: skip
    later = msgspec.structs.replace(manifest, run_id="b", started_at="2027-11-23T00:00:00Z")
    (create_run(root, later, "").path / "evidence.db").write_bytes(b"damaged")
    assert last_runtime_s(root, layer) == 7.0
    absent = next(one for one in Layer if one not in manifest.layers)
    assert last_runtime_s(root, absent) is None
