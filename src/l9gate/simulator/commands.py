"""The simulator's own paths, beside those of the API: set a fault, read the journal, scrape."""

from collections.abc import Callable

from l9gate.errors import PlanError
from l9gate.net.http import HttpResponse
from l9gate.simulator.call import Call, headers_for, render_json, render_refusal
from l9gate.simulator.metrics import CONTENT_TYPE
from l9gate.simulator.refusal import Refusal, invalid
from l9gate.simulator.witness import Witness
from l9gate.wire.headers import FAULT

FAULT_PATH = "/_l9gate/fault"
JOURNAL_PATH = "/_l9gate/journal"
METRICS_PATH = "/metrics"
OWN_PATHS = {FAULT_PATH: "POST", JOURNAL_PATH: "GET", METRICS_PATH: "GET"}


def answer_command(
    call: Call, witness: Witness, set_fault: Callable[[str | None], None]
) -> HttpResponse:
    """Return the answer to a request for one of the simulator's own paths."""
    request = call.request
    if request.method != OWN_PATHS[request.path]:
        words = f"Method {request.method} is not allowed"
        return render_refusal(call, Refusal(405, "invalid_request_error", words))
    if request.path == METRICS_PATH:
        headers = headers_for(call) | {"content-type": CONTENT_TYPE}
        return HttpResponse(status=200, headers=headers, body=witness.metrics.render().encode())
    if request.path == JOURNAL_PATH:
        return render_json(call, witness.render())
    text = request.body.decode("utf-8", "replace").strip()
    try:
        set_fault(text)
    except PlanError as error:
        return render_refusal(call, wrong_fault(error))
    return render_json(call, {"fault": text or None})


def wrong_fault(error: PlanError) -> Refusal:
    """Return the refusal of a fault that cannot be read; it lists those that can."""
    hint = f" ({error.hint})" if error.hint else ""
    return invalid(f"{FAULT}: {error}{hint}")
