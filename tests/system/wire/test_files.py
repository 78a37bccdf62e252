"""Files, as far as the sheet covers them: section 17."""

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest
from anthropic._models import validate_type
from anthropic.types import FileMetadata

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json

Ask: TypeAlias = Callable[..., ClientResponse]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
KEYS = {
    *("id", "type", "filename", "mime_type", "size_bytes", "created_at", "downloadable"),
    "expires_at",
}
FORM = {"content-type": "multipart/form-data; boundary=edge"}


def form(name: str = "file", more: str = "") -> bytes:
    """A form with one file of eleven bytes."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="a.txt"'
    part = f"--edge\r\n{head}\r\nContent-Type: text/plain\r\n\r\nhello world\r\n"
    return f"{part}{more}--edge--\r\n".encode()


def field(name: str, value: str) -> str:
    return f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def uploaded(ask: Ask, raw: bytes) -> dict[str, Json]:
    answer = ask(path="/v1/files", headers=FORM, raw=raw)
    assert answer.status == 200, answer.body
    found: dict[str, Json] = json.loads(answer.body)
    assert found.keys() == KEYS
    validate_type(type_=FileMetadata, value=found)
    return found


def test_an_upload_says_what_it_got(ask: Ask) -> None:
    file = uploaded(ask, form())
    assert str(file["id"]).startswith("file_")
    named = (file["type"], file["filename"], file["mime_type"], file["size_bytes"])
    assert named == ("file", "a.txt", "text/plain", 11)
    assert file["expires_at"] is None


@pytest.mark.parametrize("seconds", [3_600, 7_776_000])
def test_a_file_may_expire(ask: Ask, seconds: int) -> None:
    file = uploaded(ask, form(more=field("expires_in_seconds", str(seconds))))
    assert str(file["expires_at"]) > str(file["created_at"])


@pytest.mark.parametrize("seconds", ["3599", "7776001", "soon", "-1"])
def test_it_may_not_expire_at_once_or_never(ask: Ask, refusal_in: Refused, seconds: str) -> None:
    raw = form(more=field("expires_in_seconds", seconds))
    assert refusal_in(ask(path="/v1/files", headers=FORM, raw=raw))[0] == 400


@pytest.mark.parametrize("raw", [form(name="other"), b"", b"{}"], ids=["other", "empty", "json"])
def test_a_form_without_a_file_is_refused(ask: Ask, refusal_in: Refused, raw: bytes) -> None:
    answer = ask(path="/v1/files", headers=FORM, raw=raw)
    assert refusal_in(answer)[:2] == (400, "invalid_request_error")


def test_a_file_lives_until_it_is_deleted(ask: Ask, refusal_in: Refused) -> None:
    file = uploaded(ask, form())
    path = f"/v1/files/{file['id']}"
    assert json.loads(ask(path=path, method="GET").body) == file
    deleted = json.loads(ask(path=path, method="DELETE", raw=b"").body)
    assert deleted == {"id": file["id"], "type": "file_deleted"}
    assert refusal_in(ask(path=path, method="GET"))[:2] == (404, "not_found_error")


def test_an_upload_cannot_be_downloaded(ask: Ask, refusal_in: Refused) -> None:
    file = uploaded(ask, form())
    answer = ask(path=f"/v1/files/{file['id']}/content", method="GET")
    assert refusal_in(answer)[0] == 400
    details = json.loads(answer.body)["error"]["details"]
    assert details["error_code"] == "file_not_downloadable"


def test_files_come_in_pages(ask: Ask) -> None:
    """2: and every file is on one of them."""
    made = {uploaded(ask, form())["id"] for _ in range(3)}
    found: set[str] = set()
    query = "limit=1"
    for _ in range(100):
        page = json.loads(ask(path=f"/v1/files?{query}", method="GET").body)
        assert page.keys() >= {"data", "has_more", "first_id", "last_id"}
        found |= {file["id"] for file in page["data"]}
        if not page["has_more"]:
            break
        query = f"limit=1&after_id={page['last_id']}"
    assert made <= found
