"""A waiver of the contract whose last day has passed is a finding of a run."""

from pathlib import Path

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import LapsedWaiver
from l9gate.measure.clock import ManualClock
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.observe.scrutiny import Scrutiny

WAIVER = '[[waiver]]\ncode = "id.form"\nreason = "r"\nowner = "Ada"\nexpires = {}\n'


def test_it_is_put_though_nothing_differs(tmp_path: Path) -> None:
    log, clock = MemoryLog(), ManualClock(5.0)  # on the first day of 1970
    waivers = tmp_path / "waivers.toml"
    waivers.write_text(WAIVER.format("1969-12-31") + WAIVER.format("1970-01-01"))
    Scrutiny(Outbox(log, clock), clock, Target("api.example.com", waivers=waivers))
    (lapsed,) = log.of(LapsedWaiver)
    assert (lapsed.code, lapsed.owner, str(lapsed.expires)) == ("id.form", "Ada", "1969-12-31")
