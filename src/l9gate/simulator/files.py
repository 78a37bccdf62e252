"""`/v1/files`: upload, list, show, download, delete; in memory, no bytes are kept.

What was uploaded may not be downloaded, so its size is all that anybody can learn of it. Source:
the sheet of the Messages API, section 17.
"""

import mimetypes
import re

import msgspec

from l9gate.measure.clock import Clock
from l9gate.net.http import HttpResponse
from l9gate.simulator.batch import moment
from l9gate.simulator.call import Call, headers_for, refuse_as_told, render_json, render_refusal
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.multipart import Part, parse_multipart
from l9gate.simulator.pages import PageQuery, parse_page_query, render_page
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.wire.json import JsonObject

PATH = "/v1/files"
MAX_FILE_BYTES = 500 * 1024 * 1024
_QUOTA_BYTES = 500 * 1024**3
_MAX_FILES = 100_000
_TTL_S = (3_600, 7_776_000)
_MAX_IDS = 100
_UNSAFE = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
_PLACEHOLDER = b"simulated"
_METHODS = {"": ("GET", "POST"), "one": ("GET", "DELETE"), "content": ("GET",)}


class _File(msgspec.Struct, frozen=True):
    scope: str
    filename: str
    mime_type: str
    size_bytes: int
    created_s: float
    expires_s: float | None


class Files:
    """Keeps what is known of the files of all workspaces."""

    def __init__(
        self, config: SimulatorConfig, clock: Clock, quota_bytes: int = _QUOTA_BYTES
    ) -> None:
        self._config = config
        self._clock = clock
        self._quota_bytes = quota_bytes
        self._files: dict[str, _File] = {}  # the oldest first

    def respond(self, call: Call) -> HttpResponse:
        """Answer a request to the files' endpoints."""
        parts = call.request.path.removeprefix(PATH).strip("/").split("/")
        name = "one" if len(parts) == 1 and parts[0] else "".join(parts[1:])
        method = call.request.method
        if name not in _METHODS or len(parts) > 2:
            return render_refusal(call, refuse("not_found_error", "Not found"))
        if method not in _METHODS[name]:
            wrong = Refusal(405, "invalid_request_error", f"Method {method} is not allowed")
            return render_refusal(call, wrong)
        told = refuse_as_told(call.fault)
        if told is not None:
            return render_refusal(call, told)
        if name == "content":
            return self._download(call, parts[0])
        found = self._respond_with_json(call, parts[0])
        return (
            render_refusal(call, found) if isinstance(found, Refusal) else render_json(call, found)
        )

    def _respond_with_json(self, call: Call, file_id: str) -> JsonObject | Refusal:
        is_get = call.request.method == "GET"
        if not file_id:
            return self._list(call) if is_get else self._upload(call)
        file = self._find(file_id, call)
        if isinstance(file, Refusal):
            return file
        if is_get:
            return _render(file_id, file)
        self._files.pop(file_id, None)
        return {"id": file_id, "type": "file_deleted"}

    def _upload(self, call: Call) -> JsonObject | Refusal:
        request = call.request
        parts = parse_multipart(request.headers.get("content-type", ""), request.body)
        if parts is None:
            return invalid("content-type: a `multipart/form-data` body is expected")
        by_name = {part.name: part for part in parts}
        given = by_name.get("file")
        if given is None:
            return invalid("file: Field required")
        ttl_s = self._parse_ttl(by_name.get("expires_in_seconds"))
        if isinstance(ttl_s, Refusal):
            return ttl_s
        if len(given.data) > MAX_FILE_BYTES:
            return refuse("request_too_large", f"file: more than {MAX_FILE_BYTES} bytes")
        used = sum(file.size_bytes for file in self._files.values() if file.scope == call.scope)
        if used + len(given.data) > self._quota_bytes or len(self._files) >= _MAX_FILES:
            return invalid(
                "file: the storage of the organization is full", "storage_quota_exceeded"
            )
        now_s = self._clock.now_s()
        file_id = call.make_id("file")
        self._files[file_id] = _File(
            call.scope,
            *_name_and_type(given),
            len(given.data),
            now_s,
            None if ttl_s is None else now_s + ttl_s,
        )
        return _render(file_id, self._files[file_id])

    def _parse_ttl(self, part: Part | None) -> int | Refusal | None:
        text = "" if part is None else part.data.decode("utf-8", "replace").strip()
        if not text:
            return None
        least, most = _TTL_S if self._is_strict else (0, 10**9)
        if not (text.isascii() and text.isdecimal() and least <= int(text[:12]) <= most):
            return invalid(f"expires_in_seconds: Input should be from {least} to {most}")
        return int(text)

    def _list(self, call: Call) -> JsonObject | Refusal:
        more = frozenset({"page", "ids", "ids[]", "scope_id"})
        query = parse_page_query(call.request.query, more, is_strict=self._is_strict)
        if isinstance(query, Refusal):
            return query
        ids = [id_ for id_, file in reversed(self._files.items()) if file.scope == call.scope]
        wanted = query.more.get("ids[]", query.more.get("ids"))
        if wanted is not None and len(set(wanted)) > _MAX_IDS:
            return invalid(f"ids: List should have at most {_MAX_IDS} items")
        ids = ids if wanted is None else [id_ for id_ in ids if id_ in wanted]
        query = _with_page_token(query)
        page = render_page(
            query,
            ids,
            lambda id_: _render(id_, self._files[id_]),
            "file",
            is_strict=self._is_strict,
        )
        if isinstance(page, dict):
            page["next_page"] = f"page_{page['last_id']}" if page["has_more"] else None
        return page

    def _download(self, call: Call, file_id: str) -> HttpResponse:
        file = self._find(file_id, call)
        if isinstance(file, Refusal):
            return render_refusal(call, file)
        if self._is_strict:
            why = f"File '{file_id}' is not downloadable"
            return render_refusal(call, invalid(why, "file_not_downloadable"))
        headers = {**headers_for(call), "content-type": "application/octet-stream"}
        return HttpResponse(status=200, headers=headers, body=_PLACEHOLDER)

    def _find(self, file_id: str, call: Call) -> _File | Refusal:
        file = self._files.get(file_id)
        if file is None and not self._is_strict:  # leniently any id is that of a small file
            file = _File(call.scope, "simulated.txt", "text/plain", 9, self._clock.now_s(), None)
        if file is None or file.scope != call.scope:
            return refuse("not_found_error", f"File '{file_id}' not found")
        if file.expires_s is not None and self._clock.now_s() >= file.expires_s:
            return refuse("not_found_error", f"File '{file_id}' has expired", "file_expired")
        return file

    @property
    def _is_strict(self) -> bool:
        return self._config.strictness == "strict"


def _with_page_token(query: PageQuery) -> PageQuery:
    token = query.more.get("page", [""])[-1]
    after_id = token.removeprefix("page_") or query.after_id
    return msgspec.structs.replace(query, after_id=after_id)


def _name_and_type(part: Part) -> tuple[str, str]:
    """Return the last component of the name that was given, and the type."""
    given = (part.filename or "").replace("\\", "/").rpartition("/")[2]
    name = _UNSAFE.sub("_", given)[:255]
    kind = part.content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return name or f"unnamed{mimetypes.guess_extension(kind) or ''}", kind


def _render(file_id: str, file: _File) -> JsonObject:
    return {
        "id": file_id,
        "type": "file",
        "filename": file.filename,
        "mime_type": file.mime_type,
        "size_bytes": file.size_bytes,
        "created_at": moment(file.created_s),
        "downloadable": False,
        "expires_at": None if file.expires_s is None else moment(file.expires_s),
    }
