"""What a child of a negative control is told, and what its endpoints answer."""

import json
from collections import deque
from pathlib import Path

import pytest

from l9gate.errors import PlanError
from l9gate.evidence.records import Layer
from l9gate.evidence.sightings import Against
from l9gate.net.http import HttpRequest
from l9gate.sources.control import collect
from l9gate.sources.control.endpoint import Garbage, Refusing
from l9gate.sources.control.environ import (
    BASE_URL_VARIABLES,
    BOGUS_KEY,
    control_environ,
    find_key_variables,
)
from l9gate.sources.control.plan import ControlPlan

BASE_URL = "http://127.0.0.1:9"


def asked(body: bytes) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/messages", query="", headers={}, body=body)


def test_no_key_of_the_user_is_left_and_every_one_is_there() -> None:
    environ = {
        "PATH": "/bin",
        "CLAUDE_TEAM_TOKEN": "secret",
        "WORK": "sk-ant-secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "GITHUB_TOKEN": "other",
        "ANTHROPIC_CUSTOM_HEADERS": "authorization: secret",
    }
    child = control_environ(environ, BASE_URL, {"STAGING_API_KEY"})
    assert "secret" not in json.dumps(child)
    bogus = {name for name, value in child.items() if value == BOGUS_KEY}
    assert bogus == {
        *("ANTHROPIC_API_KEY", "STAGING_API_KEY", "CLAUDE_TEAM_TOKEN"),
        *("WORK", "AWS_SECRET_ACCESS_KEY"),
    }
    assert (child["PATH"], child["GITHUB_TOKEN"]) == ("/bin", "other")


def test_every_base_url_is_the_decoy_and_no_proxy_stands_before_it() -> None:
    environ = {"https_proxy": "http://p", "ALL_PROXY": "http://p", "L9GATE_RUN": "/run"}
    child = control_environ(environ, BASE_URL, ())
    assert {child[name] for name in BASE_URL_VARIABLES} == {BASE_URL}
    assert not environ.keys() & child.keys()
    assert child["PYTHONDONTWRITEBYTECODE"] == "1"


def test_names_of_keys_are_found_in_the_sources(tmp_path: Path) -> None:
    for name, text in {
        "tests/test_a.py": 'os.environ["MY_CLAUDE_API_KEY"], ANTHROPIC_AUTH_TOKEN',
        ".hidden/b.py": "CLAUDE_HIDDEN_KEY",
        "env/pyvenv.cfg": "",
        "env/c.py": "CLAUDE_VENV_KEY",
        "d.py": "GITHUB_TOKEN CLAUDE_MODEL anthropic_key",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert find_key_variables(tmp_path) == {"MY_CLAUDE_API_KEY", "ANTHROPIC_AUTH_TOKEN"}


def test_the_refusing_endpoint_answers_as_the_api_refuses_a_key() -> None:
    app = Refusing()
    first, second = app(asked(b"{}")), app(asked(b"{}"))
    assert isinstance(first.body, bytes)
    body = json.loads(first.body)
    assert (first.status, body["error"]["type"]) == (401, "authentication_error")
    assert body["request_id"] == first.headers["request-id"] != second.headers["request-id"]
    assert first.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b'{"stream": true}', "text/event-stream"), (b'{"stream":false}', "text/html")],
)
def test_garbage_is_a_page_or_a_stream_that_is_none(body: bytes, kind: str) -> None:
    answer = Garbage()(asked(body))
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert isinstance(answer.body, bytes)
    with pytest.raises(ValueError, match=r"Expecting"):
        json.loads(answer.body.rpartition(b"data: ")[2])


def test_pytest_is_told_our_plug_in_first_and_the_users_words_last(tmp_path: Path) -> None:
    plan = ControlPlan(
        against=Against.DEAD,
        base_url=BASE_URL,
        root=tmp_path,
        folder=tmp_path,
        environ={"KEY": "secret"},
        arguments=("-n", "2"),
        paths=(".",),
    )
    words = plan.pytest_arguments()
    assert words[:3] == ("-p", "l9gate.pytest_plugin.control", ".")
    assert words[-2:] == ("-n", "2")
    assert "secret" not in repr(plan)


def test_a_layer_without_its_folder_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="contract: no such path: tests/none"):
        ControlPlan(
            against=Against.DEAD,
            base_url=BASE_URL,
            root=tmp_path,
            folder=tmp_path,
            environ={},
            paths=("tests/none",),
            layers=(Layer.CONTRACT,),
        )


@pytest.mark.parametrize(
    ("status", "lines", "told"),
    [
        (4, ["E   ImportError: no x", "tail"], "pytest could not start: ImportError: no x"),
        (4, ["ERROR: no such file", ""], "pytest could not start: ERROR: no such file"),
        (5, ["no tests ran"], "no test was collected"),
        (-9, [], "pytest ended with -9"),
    ],
)
def test_a_pytest_that_failed_is_told_by_its_most_telling_line(
    status: int, lines: list[str], told: str
) -> None:
    assert collect._told(status, deque(lines)) == told
