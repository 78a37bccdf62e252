"""How the end of a load is told, by whichever source drove it."""

from l9gate.drive.plan import DriveEnd, Reason
from l9gate.errors import BudgetError
from l9gate.evidence.records import EndReason

_REASONS = {
    Reason.COMPLETED: EndReason.COMPLETED,
    Reason.STOPPED: EndReason.DECIDED,
    Reason.EXHAUSTED: EndReason.LIMIT_REACHED,
    Reason.NOT_PAID: EndReason.LIMIT_REACHED,
}


def read_end(end: DriveEnd, decided: str) -> tuple[EndReason, str]:
    """Return the reason and the detail of a closing record.

    Args:
        end: what the driver says.
        decided: why whoever watched had seen enough, "" if he had not.

    Raises:
        BudgetError: not even the first call was allowed.
    """
    if end.reason is Reason.NOT_PAID and end.sent == 0:
        raise BudgetError(
            f"{end.refusal}; nothing was tested",
            hint="raise the budget with `--budget USD`, or ask for a smaller load",
        )
    told = {
        Reason.EXHAUSTED: "the workload has no further request",
        Reason.NOT_PAID: f"budget: {end.refusal}",
    }
    return _REASONS[end.reason], told.get(end.reason, decided)
