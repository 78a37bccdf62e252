"""Several packages in one table, worst first."""

from collections.abc import Sequence

import msgspec

from l9gate.report.document import Document


def render_rollup(documents: Sequence[Document]) -> str:
    """Return one line a package, in the order given; the first line is the worst headline."""
    names = [_package(document) for document in documents]
    width = max(map(len, names))
    rows = [
        f"  {name:<{width}}  {document.headline}"
        for name, document in zip(names, documents, strict=True)
    ]
    title = f"{len(documents)} packages, worst first: {names[0]} decides"
    return "\n".join([title, *rows]) + "\n"


def rollup_json(documents: Sequence[Document]) -> bytes:
    """Return the whole documents as a JSON list, in the order given."""
    return msgspec.json.encode(list(documents), order="deterministic")


def _package(document: Document) -> str:
    return document.manifests[0].package
