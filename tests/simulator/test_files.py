"""Files: what is kept of an upload."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.call import Call
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.files import Files
from l9gate.simulator.multipart import Part, parse_multipart
from l9gate.wire.json import JsonObject

Make = Callable[..., HttpRequest]
PATH = "/v1/files"


class Client:
    """Asks an app for files."""

    def __init__(self, make: Make, config: SimulatorConfig) -> None:
        self.clock = ManualClock()
        self.app = SimulatorApp(config, self.clock)
        self.make = make

    def ask(self, method: str, path: str = "", **headers: str) -> HttpResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.app(self.make(None, f"{PATH}{path}", method=method, headers=given))
        assert isinstance(answer, HttpResponse)
        return answer

    def upload(
        self, data: bytes = b"hello", ttl: str | None = None, disposition: str | None = None
    ) -> HttpResponse:
        answer = self.app(upload_request(self.make, data, ttl, disposition))
        assert isinstance(answer, HttpResponse)
        return answer


def upload_request(
    make: Make, data: bytes, ttl: str | None = None, disposition: str | None = None
) -> HttpRequest:
    """Make an upload as the official SDK sends it."""
    shown = disposition or 'form-data; name="file"; filename="a/b/notes.txt"'
    body = f"--bnd\r\nContent-Disposition: {shown}\r\n".encode()
    body += b"Content-Type: text/plain\r\n\r\n" + data + b"\r\n"
    if ttl is not None:
        body += b'--bnd\r\nContent-Disposition: form-data; name="expires_in_seconds"\r\n\r\n'
        body += ttl.encode() + b"\r\n"
    headers = {"content-type": 'multipart/form-data; boundary="bnd"'}
    request = make(None, PATH, headers=headers)
    request.body = body + b"--bnd--\r\n"
    return request


def _json(response: HttpResponse) -> JsonObject:
    assert isinstance(response.body, bytes)
    value: JsonObject = msgspec.json.decode(response.body)
    return value


def _code(response: HttpResponse) -> object:
    error = _json(response)["error"]
    assert isinstance(error, dict)
    details = error.get("details")
    return details["error_code"] if isinstance(details, dict) else None


@pytest.fixture
def client(make_request: Make) -> Client:
    return Client(make_request, SimulatorConfig())


def test_an_upload_is_described_and_found_again(client: Client) -> None:
    made = _json(client.upload(b"hello\r\n--bn\r\nd"))
    assert (made["filename"], made["mime_type"], made["size_bytes"]) == (
        "notes.txt",
        "text/plain",
        14,
    )
    assert (made["downloadable"], made["expires_at"]) == (False, None)
    assert _json(client.ask("GET", f"/{made['id']}")) == made
    assert client.ask("GET", f"/{made['id']}", anthropic_workspace_id="wrkspc_b").status == 404


def test_a_file_without_a_name_gets_one(client: Client) -> None:
    made = _json(client.upload(disposition='form-data; name="file"; filename=""'))
    assert made["filename"] == "unnamed.txt"


def test_uploads_may_not_be_downloaded(client: Client) -> None:
    made = _json(client.upload())
    refused = client.ask("GET", f"/{made['id']}/content")
    assert (refused.status, _code(refused)) == (400, "file_not_downloadable")
    assert client.ask("GET", "/file_x/content").status == 404


def test_a_file_expires(client: Client) -> None:
    made = _json(client.upload(ttl="3600"))
    assert made["expires_at"] is not None
    client.clock.advance(3_599)
    assert client.ask("GET", f"/{made['id']}").status == 200
    client.clock.advance(1)
    gone = client.ask("GET", f"/{made['id']}")
    assert (gone.status, _code(gone)) == (404, "file_expired")


def test_a_deleted_file_is_gone(client: Client) -> None:
    made = _json(client.upload())
    deleted = _json(client.ask("DELETE", f"/{made['id']}"))
    assert deleted == {"id": made["id"], "type": "file_deleted"}
    assert client.ask("DELETE", f"/{made['id']}").status == 404


def test_files_come_in_pages_by_token_or_id(client: Client) -> None:
    ids = [str(_json(client.upload())["id"]) for _ in range(3)][::-1]
    first = _json(client.ask("GET", "?limit=2"))
    assert (first["first_id"], first["next_page"]) == (ids[0], f"page_{ids[1]}")
    second = _json(client.ask("GET", f"?limit=2&page={first['next_page']}"))
    assert (second["first_id"], second["next_page"]) == (ids[2], None)
    chosen = _json(client.ask("GET", f"?ids[]={ids[1]}&ids[]=file_x"))
    assert (chosen["first_id"], chosen["has_more"]) == (ids[1], False)
    assert client.ask("GET", "?" + "&".join(f"ids[]={n}" for n in range(101))).status == 400
    assert client.ask("GET", "?limit=x").status == 400
    assert client.ask("GET", "?page=page_x").status == 404


@pytest.mark.parametrize("ttl", ["3599", "7776001", "soon"])
def test_a_time_to_live_out_of_range_is_refused(client: Client, ttl: str) -> None:
    assert client.upload(ttl=ttl).status == 400


@pytest.mark.parametrize(
    "change",
    [
        {"content-type": "application/json"},
        {"content-type": "multipart/form-data"},
        {"content-type": "multipart/form-data; boundary=other"},
    ],
)
def test_a_body_that_is_no_form_is_refused(
    client: Client, make_request: Make, change: dict[str, str]
) -> None:
    request = upload_request(make_request, b"x")
    request.headers |= change
    answer = client.app(request)
    assert isinstance(answer, HttpResponse)
    assert answer.status == 400


def test_a_form_without_a_file_is_refused(client: Client) -> None:
    assert client.upload(disposition='form-data; name="other"').status == 400
    assert client.upload(disposition="form-data").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "", 405), ("POST", "/file_1", 405), ("GET", "/file_1/more", 404)],
)
def test_other_paths_and_methods_are_refused(
    client: Client, method: str, path: str, status: int
) -> None:
    assert client.ask(method, path).status == status


def test_a_fault_holds_for_files_too(client: Client) -> None:
    assert client.ask("GET", "", x_l9gate_fault="status=500").status == 500


def test_a_full_storage_is_refused(make_request: Make) -> None:
    files = Files(SimulatorConfig(), ManualClock(), quota_bytes=6)
    sizes = [b"hello", b"no"]
    answers = [
        files.respond(
            Call(request=upload_request(make_request, data), seed=1, ordinal=n, request_id="req_1")
        )
        for n, data in enumerate(sizes)
    ]
    assert [answer.status for answer in answers] == [200, 400]
    assert _code(answers[1]) == "storage_quota_exceeded"


def test_leniently_any_id_is_that_of_a_file(make_request: Make) -> None:
    client = Client(make_request, SimulatorConfig(strictness="lenient"))
    assert _json(client.ask("GET", "/file_id"))["filename"] == "simulated.txt"
    assert client.ask("GET", "/file_id/content").body == b"simulated"
    assert client.upload(ttl="5").status == 200


@pytest.mark.parametrize(
    ("parameters", "filename"),
    [
        ('name="file"; filename="ä b.txt"', "ä b.txt"),
        ("name=file; filename=plain.txt", "plain.txt"),
        ("name=\"file\"; filename*=UTF-8''%C3%A4.txt", "ä.txt"),
        ('filename="first.txt"; name="file"', "first.txt"),
        ('name="file"', None),
    ],
)
def test_a_part_says_its_name_in_several_ways(parameters: str, filename: str | None) -> None:
    body = f"--b\r\nContent-Disposition: form-data; {parameters}\r\n\r\nx\r\n--b--\r\n".encode()
    parts = parse_multipart("multipart/form-data; boundary=b", body)
    assert parts == [Part("file", filename, None, b"x")]


def test_a_form_that_does_not_end_is_none() -> None:
    kind = "multipart/form-data; boundary=b"
    assert parse_multipart(kind, b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx") is None
    assert parse_multipart(kind, b"--b\r\nno end of the head\r\n--b--") is None
