"""What an upgrade of the API version would break: for request bodies, or a run's own record."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from l9gate.contract import foretell_refusals
from l9gate.errors import UsageError
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange
from l9gate.report.contract import ContractLine, ContractReport
from l9gate.wire.headers import CURRENT_API_VERSION, PREVIOUS_API_VERSION
from l9gate.wire.json import parse_object


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
    """Return what a run's record says: bodies are not on record, so old calls stay unproven."""
    asked = Counter(
        (one.method, one.path, one.model or "-", one.api_version)
        for one in log.of(Exchange)
        if one.method == "POST"
    )
    older = {what: n for what, n in asked.items() if what[3] != CURRENT_API_VERSION}
    unproven = tuple(
        f"{n} of {method} {path} {model} under {version or 'no version'}: bodies are not recorded; "
        "give them with `--bodies FILE`"
        for (method, path, model, version), n in sorted(older.items(), key=str)
    )
    newer = sum(asked.values()) - sum(older.values())
    remarks = (f"{newer} requests were sent under {CURRENT_API_VERSION} already",)
    if not asked:
        unproven = (f"run {name} holds no request",)
    return ContractReport(
        what=f"upgrade {upgrade}, run {name}",
        count=sum(asked.values()),
        unit="requests",
        unproven=unproven,
        remarks=remarks,
    )


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())
