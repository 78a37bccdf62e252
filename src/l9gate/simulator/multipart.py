"""The parts of a `multipart/form-data` body (RFC 7578)."""

import re
from urllib.parse import unquote

import msgspec

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^;,\s]{1,200}))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([\w*]+)=(?:"([^"]*)"|([^;"\s]*))')
_MAX_PARTS = 100


class Part(msgspec.Struct, frozen=True):
    """One field of a form."""

    name: str
    filename: str | None
    content_type: str | None
    data: bytes


def parse_multipart(content_type: str, body: bytes) -> list[Part] | None:
    """Return the parts of a body, None if it is no form.

    Args:
        content_type: the header of the request, which names the boundary.
        body: the whole body.
    """
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        return None
    line = b"--" + (found[1] or found[2]).encode("utf-8", "replace")
    pieces = (b"\r\n" + body).split(b"\r\n" + line, _MAX_PARTS)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return None
    parts = [_parse_part(piece) for piece in pieces[1:-1]]
    return None if None in parts else [part for part in parts if part is not None]


def _parse_part(piece: bytes) -> Part | None:
    head, has_end, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    given = {
        found[1].lower(): found[2] if found[3] is None else found[3]
        for found in _PARAMETER.finditer(headers.get("content-disposition", ""))
    }
    if not has_end or "name" not in given:
        return None
    filename = given.get("filename")
    if "filename*" in given:  # RFC 5987: charset, language, percent-encoded name
        filename = unquote(given["filename*"].rpartition("'")[2])
    return Part(given["name"], filename, headers.get("content-type"), data)
