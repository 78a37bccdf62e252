"""What the API promises, and how an answer differs from it: pure, nothing here acts.

What a probe, a recorder or a command calls:

    observed = parse_observed(parse_asked("POST", "/v1/messages", body=sent), 200, headers, body)
    Contract().find_drifts(observed)                  # against what everybody is promised
    baseline = learn_baseline({"text": [first, second, third]}, Reliance(models=("…",)))
    text = render_baseline(baseline)                  # the file that a reviewer accepts
    Contract(parse_baseline(text)).find_drifts(observed)
    Contract(baseline).glance(asked, status, headers, body)  # in passing: what is grave, fast
    Contract(baseline).follow(asked, status, headers)        # the same, of a stream
    Contract(baseline).compare("message", value)             # one document, as of a mock
    foretell_refusals(body); compare_versions(older, newer)  # an upgrade of the API version
    find_model_drifts(models, offered, today)                # the day is handed in
    find_repeated_ids(exchanges); find_count_drift(counted, usage)
    is_transient(status)                                     # it says nothing of what was asked
    find_rule(code)                                          # for `l9gate explain`

`Observed.probe` names the question of a baseline that an exchange repeats; without it only
promises count. Why: docs/decisions/0011-what-a-contract-holds-an-answer-to.md.
"""

from l9gate.contract.acceptance import compare_versions, foretell_refusals, tell_refusal
from l9gate.contract.baseline import (
    Baseline,
    learn_baseline,
    make_baseline,
    parse_baseline,
    render_baseline,
)
from l9gate.contract.checker import Contract
from l9gate.contract.drift import Drift
from l9gate.contract.envelope import is_transient
from l9gate.contract.lifecycle import find_model_drifts
from l9gate.contract.observed import Asked, Observed, parse_asked, parse_observed
from l9gate.contract.reliance import Reliance, find_reason, merge_reliances
from l9gate.contract.rules import RULES, Aspect, Impact, Rule, find_rule
from l9gate.contract.semantics import find_count_drift, find_repeated_ids
from l9gate.contract.watch import StreamWatch

__all__ = [
    "RULES",
    "Asked",
    "Aspect",
    "Baseline",
    "Contract",
    "Drift",
    "Impact",
    "Observed",
    "Reliance",
    "Rule",
    "StreamWatch",
    "compare_versions",
    "find_count_drift",
    "find_model_drifts",
    "find_reason",
    "find_repeated_ids",
    "find_rule",
    "foretell_refusals",
    "is_transient",
    "learn_baseline",
    "make_baseline",
    "merge_reliances",
    "parse_asked",
    "parse_baseline",
    "parse_observed",
    "render_baseline",
    "tell_refusal",
]
