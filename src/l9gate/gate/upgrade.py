"""What an upgrade of the API version would break: for request bodies, or a run's own record."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from l9gate.contract import foretell_refusals, tell_refusal
from l9gate.errors import UsageError
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange, Witness
from l9gate.report.contract import ContractLine, ContractReport
from l9gate.wire.headers import CURRENT_API_VERSION, PREVIOUS_API_VERSION
from l9gate.wire.json import parse_object

# What has a body that a version may refuse.
_ROUTES = ("/v1/messages", "/v1/messages/count_tokens", "/v1/messages/batches")
_FIXTURE = "fixture:"  # how the owner begins that is no test


def check_versions(older: str, newer: str) -> str:
    """Return the upgrade in words.

    Raises:
        UsageError: it is not the one that is known.
    """
    if (older, newer) != (PREVIOUS_API_VERSION, CURRENT_API_VERSION):
        known = f"--from {PREVIOUS_API_VERSION} --to {CURRENT_API_VERSION}"
        raise UsageError(f"the upgrade from `{older}` to `{newer}` is not known", hint=known)
    return f"{older} to {newer}"


def foretell_bodies(path: Path, upgrade: str) -> ContractReport:
    """Return what the newer version refuses of the request bodies of a file, one JSON a line.

    A line is a body, also that of a batch, or an object whose `body` is one.

    Raises:
        UsageError: the file cannot be read, or a line is no JSON object.
    """
    lines: list[ContractLine] = []
    count = 0
    for number, text in _numbered(path):
        found = parse_object(text)
        if found is None:
            raise UsageError(f"{path}:{number}: no JSON object", hint="one request body a line")
        inner = found.get("body")
        count += 1
        lines += (
            ContractLine(subject=f"request {count}", drift=drift, file=str(path), line=number)
            for drift in foretell_refusals(inner if isinstance(inner, dict) else found)
        )
    unproven = () if count else (f"{path}: there is no request in it",)
    return ContractReport(
        what=f"upgrade {upgrade}", count=count, unit="requests", lines=(*lines,), unproven=unproven
    )


def foretell_run(log: EvidenceLog, name: str, upgrade: str) -> ContractReport:
    """Return what the newer version refuses of the requests of a run.

    The run holds no bodies, but what was foretold of each when it was sent.
    """
    sent = [one for one in log.of(Exchange) if one.method == "POST" and one.path.endswith(_ROUTES)]
    ours = [one for one in sent if one.witness is not Witness.PROBE]
    older = [one for one in ours if one.api_version != CURRENT_API_VERSION]
    unseen = Counter(
        (one.path, one.model, one.api_version) for one in older if one.foretold is None
    )
    unproven = [
        f"{n} of POST {path} {model or '-'} under {version or 'no version'}: the body was not at "
        "hand; give it with `--bodies FILE`"
        for (path, model, version), n in sorted(unseen.items(), key=str)
    ]
    if not ours:
        unproven = [f"run {name} holds no request of the application"]
    remarks = []
    if len(ours) > len(older):
        newer = len(ours) - len(older)
        remarks.append(f"{newer} requests were sent under {CURRENT_API_VERSION} already")
    if len(sent) > len(ours):
        remarks.append(f"left out: {len(sent) - len(ours)} questions of the gate's own")
    return ContractReport(
        what=f"upgrade {upgrade}, run {name}",
        count=len(ours),
        unit="requests",
        lines=tuple(_refusals(older)),
        unproven=(*unproven,),
        remarks=(*remarks,),
    )


def _refusals(older: list[Exchange]) -> Iterator[ContractLine]:
    """Yield each refusal with who sent such requests, and how many."""
    counts = Counter((told, one.owner) for one in older for told in one.foretold or ())
    for (told, owner), n in counts.items():
        code, _, place = told.partition(" ")
        file = owner.partition("::")[0] if owner is not None and _is_test(owner) else None
        subject = f"{owner or 'requests of no test'} ({n}x)"
        yield ContractLine(subject=subject, drift=tell_refusal(code, place), file=file)


def _is_test(owner: str) -> bool:
    return "::" in owner and not owner.startswith(_FIXTURE)


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())
