"""A criterion declared not applicable: by whom, why, until when, and when that is void."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec

from l9gate.criteria.around import Around
from l9gate.criteria.criterion import Finding, Scope, State
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import (
    Exchange,
    Gauge,
    LayerRun,
    Record,
    Signal,
    SourceEnd,
    TestOutcome,
)

_KINDS: tuple[type[Record], ...] = (Exchange, TestOutcome, LayerRun, Signal, Gauge, SourceEnd)


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a criterion does not apply, who says so, and until when."""

    reason: str
    owner: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplicable(Around):
    """A criterion with a waiver; the waiver holds only while there is nothing to judge."""

    waiver: Waiver

    def judge(self, log: EvidenceLog, scope: Scope) -> Finding:
        """Return the criterion's finding, waived if nothing was observed and it has not expired.

        Today is the day of the run's last record, so that judging stays pure.
        """
        finding = self.criterion.judge(log, scope)
        waiver = self.waiver
        if finding.n > 0 or finding.state is not State.UNPROVEN:
            return _noted(finding, f"waiver of {waiver.owner} is void: its signal was observed")
        today = _last_day(log)
        if today is None or today > waiver.expires:
            return _noted(finding, f"waiver of {waiver.owner} expired on {waiver.expires}")
        text = f"not applicable: {waiver.reason} ({waiver.owner}, until {waiver.expires})"
        return msgspec.structs.replace(finding, waived=True, reason=text, decides=None)


def _noted(finding: Finding, note: str) -> Finding:
    reason = note if finding.reason is None else f"{finding.reason}; {note}"
    return msgspec.structs.replace(finding, reason=reason)


def _last_day(log: EvidenceLog) -> date | None:
    last_s = max((one.at_s for kind in _KINDS for one in log.of(kind)), default=None)
    return None if last_s is None else datetime.fromtimestamp(last_s, UTC).date()
