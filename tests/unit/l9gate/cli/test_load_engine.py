"""What the command line says of who carries a load out."""

import pytest

from l9gate.cli.load_engine import EngineOptions, parse_moment_s, parse_share, read_place
from l9gate.drive.order import Share
from l9gate.errors import UsageError
from l9gate.sources.load.plan import Place


def options(
    engine: str = "local", share: str | None = None, workers: int = 1, entry: str = "wire"
) -> EngineOptions:
    return EngineOptions(
        entry=entry,
        workers=workers,
        engine=engine,
        cluster="auto",
        share=share,
        starts_at=None,
        image=None,
        secret="l9gate",
        claim="c",
    )


def test_a_share_is_one_of_so_many() -> None:
    assert parse_share("0/4") == Share(shard=0, shards=4)
    assert read_place(options(share="3/4")).share == Share(shard=3, shards=4)
    assert read_place(options(workers=4)) == Place(workers=4)


@pytest.mark.parametrize("text", ["4/4", "1", "-1/2", "a/b", "1/0"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no part of a load"):
        parse_share(text)


@pytest.mark.parametrize(("engine", "workers"), [("local", 2), ("ray", 1)])
def test_one_process_sends_one_share(engine: str, workers: int) -> None:
    with pytest.raises(UsageError, match="one process sends one part"):
        read_place(options(engine, "0/2", workers))


def test_a_moment_has_a_zone() -> None:
    assert parse_moment_s("2026-11-22T00:00:00Z") == parse_moment_s("2026-11-22T01:00:00+01:00")
    for text in ("2026-11-22T00:00:00", "soon"):
        with pytest.raises(UsageError, match="is no time"):
            parse_moment_s(text)


@pytest.mark.parametrize(("engine", "workers"), [("local", 2), ("ray", 1)])
def test_an_application_is_driven_in_one_process(engine: str, workers: int) -> None:
    with pytest.raises(UsageError, match="`--entry app` runs in one process"):
        read_place(options(engine, None, workers, "app"))
