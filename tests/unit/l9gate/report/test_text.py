import re

import msgspec

from l9gate.criteria.criterion import Finding, Interval, State
from l9gate.report.document import Document
from l9gate.report.text import render_finding, render_text

replace = msgspec.structs.replace


def section(text: str, title: str) -> list[str]:
    """Return the lines of the block whose title starts so."""
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return next(block for block in blocks if block[0].startswith(title))


def test_first_line_is_the_headline_at_any_width(document: Document) -> None:
    for width in (1, 80, 300):
        assert render_text(document, width, color=False).splitlines()[0] == document.headline


def test_finding_says_number_limit_and_what_it_rests_on(finding: Finding) -> None:
    what, why = render_finding(finding)
    assert what == (
        "latency-p95  p95(latency_s) 2.31 s < 2 s (12,000 calls, 95 % bounds 2.12 s … 2.44 s)"
        "  [E-03 B-03]"
    )
    assert why == "the whole interval is above the limit"


def test_finding_shows_open_bounds_and_what_would_decide(document: Document) -> None:
    what, why = render_finding(document.findings[0])
    assert "p99(latency_s) ∞ < 3 s (120 calls, 95 % bound ≥ 1 s)  model=claude-haiku-5-5" in what
    assert why.endswith("would be decided by: 179 more calls")


def test_finding_without_a_value_does_not_show_0(finding: Finding) -> None:
    """design.md §2.3."""
    nothing = replace(finding, observed=None, n=0, interval=None, reason=None)
    assert render_finding(nothing)[0].startswith("latency-p95  p95(latency_s) no value < 2 s (0 ca")
    open_bounds = replace(nothing, interval=Interval(low=None, high=None, confidence=0.95))
    assert "no 95 % bound yet" in render_finding(open_bounds)[0]
    upper = replace(nothing, interval=Interval(low=None, high=2.5, confidence=0.95))
    assert "95 % bound ≤ 2.5 s" in render_finding(upper)[0]


def test_bound_never_looks_like_the_limit_that_it_decides_against(finding: Finding) -> None:
    """C-05."""
    close = replace(finding, interval=Interval(low=None, high=2.0004, confidence=0.95))
    assert "95 % bound ≤ 2.0004 s" in render_finding(close)[0]
    no_limit = replace(close, limit=None)
    assert "95 % bound ≤ 2 s" in render_finding(no_limit)[0]


def test_finding_about_a_sentence_quotes_it(finding: Finding) -> None:
    complete = replace(finding, condition="every layer ran", interval=None)
    assert "every layer ran (12,000 calls)" in render_finding(complete)[0]


def test_findings_are_grouped_by_role_and_worst_first(document: Document) -> None:
    text = render_text(document, 200, color=False)
    assert section(text, "Declared not applicable")[1].startswith("  waived    cache-hit-rate")
    assert section(text, "Blockers")[1].startswith("  kept      unit-tests")
    exits = section(text, "Exit criteria")
    assert exits[1].startswith("  broken    latency-p95")
    assert exits[2].startswith("  unproven  latency-p99")
    advice = section(text, "Advice")
    assert advice[1].startswith("  broken    runtime")
    assert "- tests/unit/test_slow.py::test_slow" in advice[2]
    assert text.index("Declared not") < text.index("Blockers") < text.index("Exit criteria")


def test_narrow_terminal_wraps_and_loses_nothing(document: Document) -> None:
    wide, narrow = (render_text(document, width, color=False) for width in (400, 60))
    assert " → n=120" in wide
    assert "\n            → n=120" in narrow
    assert sorted(wide.split()) == sorted(narrow.split())


def test_colour_adds_nothing_but_colour(document: Document) -> None:
    plain, painted = (render_text(document, 100, color=color) for color in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31mbroken  \x1b[0m" in painted
    assert re.sub(r"\x1b\[\d*m", "", painted) == plain


def test_layers_table_shows_what_was_not_asked_for(document: Document) -> None:
    table = section(render_text(document, 100, color=False), "Layers")
    assert table[1].split() == [
        "layer", "tests", "passed", "failed", "errors", "void", "skipped", "xfail", "runtime",
    ]  # fmt: skip
    assert table[2].split() == ["unit", "4", "1", "1", "1", "0", "0", "1", "3.5", "s"]
    assert table[5].endswith("did not end")
    scope = replace(document, layers=tuple(replace(one, asked=False) for one in document.layers))
    assert "not asked for" in section(render_text(scope, 100, color=False), "Layers")[2]


def test_text_names_tests_without_proof_and_the_origin_of_answers(document: Document) -> None:
    text = render_text(document, 100, color=False)
    assert section(text, "Passed in pytest, counted as failed")[1] == (
        "  tests/integration/b.py::test_void: vacuous: it made no call"
    )
    assert section(text, "Provenance")[1:] == [
        "  live: 2 exchanges (67% of all), 1 answered",
        "  mocked: 1 exchanges (33% of all), 1 answered",
        "  only live exchanges count in this run",
        "  1 tests belong to no layer: not gated",
    ]


def test_run_without_exchanges_says_so(document: Document) -> None:
    nothing = replace(document, provenance=(), tests_not_gated=0)
    assert section(render_text(nothing, 100, color=False), "Provenance")[1:] == [
        "  no exchange was seen",
        "  only live exchanges count in this run",
    ]


def test_health_is_shown_with_units(document: Document) -> None:
    """H-01 … H-05."""
    assert section(render_text(document, 100, color=False), "Health")[1:] == [
        "  H-01  latency of calls  p50 751 ms, p95 2.31 s, p99 ∞ (n=300)",
        "  H-01  latency of operations  no evidence (n=0)",
        "  H-02  error rate  5.1 % of 1,000 calls, 10 % of 1,200 attempts: "
        "overloaded_error 50, timeout 1",
        "  H-03  cache of the application  hits no evidence of 0 look-ups, 1 of 4 that tell their "
        "age stale; avoided 5 calls, 6,000 tokens (25 %), at an unknown price, 2.5 s",
        "  H-03  prompt cache of the API  read 25 % of 4,000 input tokens of 2 requests with a "
        "breakpoint, 1 without effect; read/(read+written) 25 %, saved 0.5000 USD; 3 more have a "
        "prompt too short to be cached",
        "  H-04  quota used  requests 50 %",
        "  H-05  fallback rate  10 % of 10 operations: timeout 1",
        "        spent  1,500,000 input and 2 output tokens, 1.5000 USD",
    ]


def test_health_without_evidence_is_never_0_percent(rehearsal_document: Document) -> None:
    """design.md §2.3."""
    block = "\n".join(section(render_text(rehearsal_document, 100, color=False), "Health"))
    assert "0 %" not in block
    assert "H-04  quota used  no evidence" in block
    assert "no hit tells its age" in block
    assert "prompt cache of the API  no request could be cached" in block
    assert "live it would cost  0 input" in block  # a rehearsal spends nothing
    assert "spent" not in block


def test_confidence_shows_assumptions_and_no_number_of_a_layer_that_did_not_run(
    document: Document,
) -> None:
    """K-01 … K-05."""
    text = render_text(document, 200, color=False)
    assert section(text, "Confidence")[1:] == [
        "  K-01  unit  85 %  (assumes: assumption K-01)",
        "  K-02  integration  not established: the layer did not run  (assumes: assumption K-02)",
        "  K-03  performance  90 %  (assumes: assumption K-03)",
        "  K-04  contract  98 %  (assumes: assumption K-04)",
        "  K-05  overall  not established: not established for integration  "
        "(assumes: assumption K-05)",
        "        the plain mean is 92.0%; the product 71.2%",
    ]


def test_claim_without_a_reason_is_still_not_established(document: Document) -> None:
    odd = replace(document.confidence[1], reason=None)
    text = render_text(replace(document, confidence=(odd,)), 100, color=False)
    assert "not established: no reason given" in text


def test_long_lists_are_cut_and_say_so(document: Document) -> None:
    many = tuple(f"tests/t.py::test_{number}" for number in range(25))
    text = render_text(replace(document, offline_tests=many), 100, color=False)
    assert section(text, "Declared offline")[-1] == "  … and 5 more"


def test_notes_overrides_and_files_are_named(document: Document) -> None:
    text = render_text(document, 100, color=False, files=["runs/x/verdict.json"])
    assert any("override by ada" in line for line in section(text, "Notes"))
    assert section(text, "Report files")[1] == "  runs/x/verdict.json"
    assert "Report files" not in render_text(document, 100, color=False)


def test_rehearsal_never_uses_the_word(rehearsal_document: Document) -> None:
    text = render_text(rehearsal_document, 100, color=True, files=["report.txt"])
    assert text.startswith("REHEARSED on the simulator  latency-p95 1.2 s")
    assert not re.search("ready", text, re.IGNORECASE)


def test_broken_rehearsal_never_uses_the_word(rehearsal_document: Document) -> None:
    broken = tuple(replace(one, state=State.BROKEN) for one in rehearsal_document.findings)
    text = render_text(replace(rehearsal_document, findings=broken), 100, color=False)
    assert "broken    latency-p95" in text
    assert not re.search("ready", text, re.IGNORECASE)
