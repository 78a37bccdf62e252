"""Every quantity that a policy may name; names are promises, never renamed, only added."""

from l9gate.criteria.caches import (
    read_avoided_calls,
    read_avoided_s,
    read_avoided_tokens,
    read_avoided_usd,
    read_cache_efficiency,
    read_stale_hits,
)
from l9gate.criteria.drifts import read_contract_drifts, read_mock_drifts
from l9gate.criteria.excerpt import (
    CALL_KEYS,
    GAUGE_KEYS,
    RUN_KEYS,
    SIGNAL_KEYS,
    TEST_KEYS,
)
from l9gate.criteria.load_client import read_cpu_share, read_lag_share
from l9gate.criteria.load_samples import (
    rank_first_text,
    rank_gaps,
    rank_latency,
    rank_service,
    rank_stalls,
    rank_ttft,
    read_calls,
    read_load_pace,
    read_sent_share,
    tally_cached,
    tally_degraded,
    tally_error,
    tally_rejected,
    tally_timeout,
)
from l9gate.criteria.load_view import LOAD_KEYS
from l9gate.criteria.prompt_cache import (
    observe_prompt_cache_hit,
    read_prompt_cache_efficiency,
    read_prompt_cache_saved,
    read_prompt_cache_share,
)
from l9gate.criteria.quantity import (
    RATES,
    SAMPLES,
    AnyQuantity,
    CountedRate,
    PaceOf,
    Quantity,
    RankedSample,
    Rate,
    Sample,
    Scalar,
    Trended,
    Unit,
)
from l9gate.criteria.readings import (
    read_executed,
    read_failures,
    read_growth,
    read_misconduct,
    read_own_faults,
    read_pass_rate,
    read_runtime,
    read_survivors,
    read_throughput,
)
from l9gate.criteria.samples import (
    observe_attempt_error,
    observe_cache_hit,
    observe_error,
    observe_fallback,
    observe_gaps,
    observe_latency,
    observe_operation_latency,
    observe_ttft,
)
from l9gate.criteria.soak_trends import (
    EXPIRIES,
    LEAKS,
    count_drifts,
    count_expiries,
    count_leaks,
    measure_growth,
)
from l9gate.evidence.gauges import DESCRIPTORS, OBJECTS, RSS, TASKS, THREADS

# Who asks for quantities asks for their kinds as well.
__all__ = [
    "BY_NAME",
    "OF_ANY_RUN",
    "QUANTITIES",
    "RATES",
    "SAMPLES",
    "AnyQuantity",
    "CountedRate",
    "PaceOf",
    "Quantity",
    "RankedSample",
    "Rate",
    "Sample",
    "Scalar",
    "Trended",
    "Unit",
]
SOAK_KEYS = frozenset({"span"})

_S, _BYTES, _SHARE, _COUNT = Unit.SECONDS, Unit.BYTES, Unit.FRACTION, Unit.COUNT
_LOOKUPS, _CACHEABLE = "look-ups", "requests with a cache breakpoint"

QUANTITIES: tuple[AnyQuantity, ...] = (
    Sample(
        "latency_s", _S, "calls", CALL_KEYS,
        "A successful call from when it was due to its end; a timeout is +infinity.",
        observe_latency,
    ),
    Sample(
        "ttft_s", _S, "calls", CALL_KEYS,
        "A streaming call from when it was due to its first content.", observe_ttft,
    ),
    Sample(
        "gap_s", _S, "gaps", CALL_KEYS, "The time between two content deltas of a stream.",
        observe_gaps,
    ),
    Sample(
        "operation_latency_s", _S, "operations", SIGNAL_KEYS,
        "An operation of the application, end to end, without cache hits and fallbacks.",
        observe_operation_latency,
    ),
    Rate(
        "error", _SHARE, "calls", CALL_KEYS, "Calls that ended in an error after their retries.",
        observe_error,
    ),
    Rate(
        "attempt_error", _SHARE, "attempts", CALL_KEYS, "Attempts that ended in an error.",
        observe_attempt_error,
    ),
    Rate(
        "cache_hit", _SHARE, "look-ups", SIGNAL_KEYS,
        "Look-ups that the application's own cache answered.", observe_cache_hit,
    ),
    Rate(
        "prompt_cache_hit", _SHARE, _CACHEABLE, CALL_KEYS,
        "Requests that read from the API's prompt cache; too short prompts are left out.",
        observe_prompt_cache_hit,
    ),
    Rate(
        "fallback", _SHARE, "operations", SIGNAL_KEYS,
        "Operations that served a degraded result.", observe_fallback,
    ),
    Scalar(
        "pass_rate", _SHARE, "tests", TEST_KEYS,
        "Passed by all distinct tests; skips and vacuous passes are no passes.", read_pass_rate,
    ),
    Scalar(
        "failures", _COUNT, "tests", TEST_KEYS,
        "Tests that failed, broke or passed without proof.", read_failures,
    ),
    Scalar("executed", _COUNT, "tests", TEST_KEYS, "Tests that were run.", read_executed),
    Scalar(
        "runtime_s", _S, "sessions", RUN_KEYS, "How long the sessions of the layers took.",
        read_runtime,
    ),
    PaceOf(
        "throughput_per_s", Unit.PER_SECOND, "calls", CALL_KEYS,
        "Successful calls per second, from the first sent to the last ended.", read_throughput,
    ),
    Scalar(
        "memory_growth_bytes", _BYTES, "operations", GAUGE_KEYS,
        "Growth of the resident set over its base, in the worst span.", read_growth(RSS),
    ),
    *(
        Scalar(
            f"{what}_growth", _COUNT, "operations", GAUGE_KEYS,
            f"The same of {about} of the process that runs the tests.", read_growth(gauge),
        )
        for what, about, gauge in (
            ("descriptor", "open descriptors", DESCRIPTORS),
            ("thread", "threads", THREADS),
            ("task", "asyncio tasks", TASKS),
            ("object", "objects under garbage collection", OBJECTS),
        )
    ),
    Scalar(
        "cache_avoided_calls", _COUNT, _LOOKUPS, SIGNAL_KEYS,
        "Calls that the application's cache made unnecessary: one a hit.", read_avoided_calls,
    ),
    Scalar(
        "cache_avoided_tokens", _COUNT, _LOOKUPS, SIGNAL_KEYS,
        "Tokens that hits made unnecessary, as the application tells.", read_avoided_tokens,
    ),
    Scalar(
        "cache_avoided_usd", Unit.DOLLARS, _LOOKUPS, SIGNAL_KEYS,
        "What these tokens would have cost.", read_avoided_usd,
    ),
    Scalar(
        "cache_avoided_s", _S, _LOOKUPS, SIGNAL_KEYS,
        "Hits times what one saves: the median of misses minus the median of hits.",
        read_avoided_s,
    ),
    Scalar(
        "cache_efficiency", _SHARE, _LOOKUPS, TEST_KEYS,
        "Tokens that hits avoided, by those and the tokens that calls used.",
        read_cache_efficiency,
    ),
    Scalar(
        "cache_stale", _COUNT, "hits that tell their age", SIGNAL_KEYS,
        "Hits that served an answer older than its time to live.", read_stale_hits,
    ),
    Scalar(
        "prompt_cache_read", _SHARE, _CACHEABLE, CALL_KEYS,
        "Input tokens read from the API's prompt cache, by all of these requests.",
        read_prompt_cache_share,
    ),
    Scalar(
        "prompt_cache_efficiency", _SHARE, _CACHEABLE, CALL_KEYS,
        "Tokens read from the prompt cache, by those read and written.",
        read_prompt_cache_efficiency,
    ),
    Scalar(
        "prompt_cache_saved_usd", Unit.DOLLARS, _CACHEABLE, CALL_KEYS,
        "What the prompt cache saved against none, dearer writes taken off.",
        read_prompt_cache_saved,
    ),
    Scalar(
        "own_faults", _COUNT, "observations", frozenset(),
        "What l9gate itself got wrong or had to drop.", read_own_faults,
    ),
    Scalar(
        "misconduct", _COUNT, "requests", frozenset(),
        "What clients did wrong to the simulator of a rehearsal, such as a retry too soon.",
        read_misconduct,
    ),
    Scalar(
        "contract_drifts", _COUNT, "answers", TEST_KEYS,
        "Differences of answers from the contract of the API that break clients, equal ones once.",
        read_contract_drifts,
    ),
    Scalar(
        "mock_drifts", _COUNT, "mocked answers", TEST_KEYS,
        "The same of mocked answers, without those of tests about damaged ones.", read_mock_drifts,
    ),
    Scalar(
        "control_survivors", _COUNT, "tests", frozenset(),
        "Tests of real layers that pass although the API cannot serve them, by `l9gate control`.",
        read_survivors,
    ),
    RankedSample(
        "load.latency_s", _S, "calls", LOAD_KEYS,
        "A whole answer under load, from when its call was due; a timeout is +infinity.",
        rank_latency,
    ),
    RankedSample(
        "load.service_s", _S, "calls", LOAD_KEYS,
        "The same from when the call was sent: without what waited in the client.", rank_service,
    ),
    RankedSample(
        "load.ttft_s", _S, "streams", LOAD_KEYS,
        "A stream under load, from when its call was due to its first content.", rank_ttft,
    ),
    RankedSample(
        "load.first_text_s", _S, "streams", LOAD_KEYS,
        "The same to its first text, which comes after any thinking.", rank_first_text,
    ),
    RankedSample(
        "load.gap_s", _S, "gaps", LOAD_KEYS,
        "The time between two content deltas of a stream under load.", rank_gaps,
    ),
    RankedSample(
        "load.longest_stall_s", _S, "streams", LOAD_KEYS,
        "The longest time between two content deltas of each stream.", rank_stalls,
    ),
    CountedRate(
        "load.error", _SHARE, "calls", LOAD_KEYS,
        "Calls under load that ended in an error, a timeout or an answer that proves nothing.",
        tally_error,
    ),
    CountedRate(
        "load.rejected", _SHARE, "calls", LOAD_KEYS, "Calls that were turned away: 429 or 529.",
        tally_rejected,
    ),
    CountedRate(
        "load.timeout", _SHARE, "calls", LOAD_KEYS, "Calls that a deadline ended.", tally_timeout,
    ),
    CountedRate(
        "load.degraded", _SHARE, "calls", LOAD_KEYS,
        "Operations under load in which the application says that it fell back.", tally_degraded,
    ),
    CountedRate(
        "load.cached", _SHARE, "calls", LOAD_KEYS,
        "Operations under load that the application's own cache answered.", tally_cached,
    ),
    PaceOf(
        "load.throughput_per_s", Unit.PER_SECOND, "calls", LOAD_KEYS,
        "Whole answers per second, from the first call sent to the last one ended.",
        read_load_pace,
    ),
    Scalar("load.calls", _COUNT, "calls", LOAD_KEYS, "Calls that were sent.", read_calls),
    Scalar(
        "load.sent_share", _SHARE, "planned calls", frozenset({"span"}),
        "Calls that were sent, of those that were planned.", read_sent_share,
    ),
    Scalar(
        "load.client_cpu_share", _SHARE, "checks", frozenset({"span"}),
        "How busy the core of the load client was at worst.", read_cpu_share,
    ),
    Scalar(
        "load.client_lag_share", _SHARE, "checks", frozenset({"span"}),
        "How late the load client was at worst, as a share of the p99 that it reports.",
        read_lag_share,
    ),
    Trended(
        "soak.memory_growth_bytes", _BYTES, "readings", SOAK_KEYS,
        "Growth of the process tree's memory over the soak, at its pace after the warm-up.",
        measure_growth,
    ),
    *(
        Trended(
            name, _COUNT, "readings", SOAK_KEYS, f"Processes whose {what} without end.",
            count_leaks(gauge),
        )
        for name, gauge, what in LEAKS
    ),
    Trended(
        "soak.latency_drifts", _COUNT, "stretches", SOAK_KEYS,
        "1 if the p95 of latency, from when calls were due, grows without end.", count_drifts,
    ),
    *(
        Trended(name, _COUNT, "readings", SOAK_KEYS, about, count_expiries(gauge))
        for name, gauge, about in EXPIRIES
    ),
    CountedRate(
        "soak.error", _SHARE, "calls", SOAK_KEYS,
        "As `load.error`, also where the client was late: that makes no error and hides none.",
        tally_error,
    ),
)  # fmt: skip

# What is asked of every run, whatever it was asked to do: it is about l9gate itself.
OF_ANY_RUN = frozenset({"own_faults"})

BY_NAME: dict[str, AnyQuantity] = {quantity.name: quantity for quantity in QUANTITIES}
