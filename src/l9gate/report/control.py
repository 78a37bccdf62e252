"""A negative control as text and as JSON."""

from collections.abc import Mapping

import msgspec

from l9gate.evidence.records import Control, Survivor
from l9gate.evidence.sightings import Against

_AGAINST = {
    Against.DEAD.value: "against a dead endpoint",
    Against.REFUSING.value: "against an endpoint that refuses every key",
    Against.GARBAGE.value: "against an endpoint that answers garbage",
}


def render_headline(control: Control) -> str:
    """Return the first line: how many of how many tests survived, and what."""
    for against, words in _AGAINST.items():
        count = sum(against in one.against for one in control.survivors)
        if count:
            verb = "passes" if count == 1 else "pass"
            return f"{count} of {_tests(control)} {verb} {words}"
    if control.open_ends:
        return f"unproven: {control.open_ends[0]}"
    all_fail = "the {} fails" if control.tests == 1 else "all {} fail"
    return f"{all_fail.format(_tests(control))} against dead, refusing and garbage endpoints"


def render_control(control: Control, seconds: Mapping[str, float]) -> str:
    """Return the text, with a line at its end; no seconds means that nothing was run."""
    lines = [render_headline(control), ""]
    for one in control.survivors:
        lines += _told(one)
    if control.survivors:
        lines.append("")
    lines += [f"open      {end}" for end in control.open_ends]
    lines += [f"note      {note}" for note in control.notes]
    lines.append(f"took      {_took(seconds)}")
    if control.survivors:
        lines.append(
            "next      make them assert an answer, or declare what they expect: "
            "`@pytest.mark.expects_error(TYPE)`, `expects_fallback` or `offline`"
        )
    return "\n".join(lines) + "\n"


def render_control_json(control: Control, seconds: Mapping[str, float], exit_code: int) -> bytes:
    """Return the JSON document, indented."""
    document = {
        "headline": render_headline(control),
        "exit_code": exit_code,
        "tests": control.tests,
        "survivors": msgspec.to_builtins(control.survivors),
        "open_ends": control.open_ends,
        "notes": control.notes,
        "layers": control.layers,
        "digest": control.digest or None,
        "seconds": dict(seconds),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _tests(control: Control) -> str:
    """Return the number of tests with what they are; without layers only calls tell."""
    if control.layers:
        noun = "test" if control.tests == 1 else "tests"
        return f"{control.tests} {noun} of {', '.join(control.layers)}"
    noun = "test that talks" if control.tests == 1 else "tests that talk"
    return f"{control.tests} {noun} to the API"


def _told(survivor: Survivor) -> list[str]:
    """Return two lines: where the test stands and what it survived; why."""
    name = survivor.node_id.partition("::")[2] or survivor.node_id
    return [
        f"passes    {survivor.place}  {name}  [{', '.join(survivor.against)}]",
        f"          {survivor.reason}",
    ]


def _took(seconds: Mapping[str, float]) -> str:
    if not seconds:
        return "nothing was run: tests, application, SDK and policy are unchanged (`--again` runs)"
    each = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    return f"{sum(seconds.values()):.1f} s ({each})"
