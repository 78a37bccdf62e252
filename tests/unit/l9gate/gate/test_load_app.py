import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.drive.columns import Row
from l9gate.evidence.load import CallEnd, CallMark
from l9gate.evidence.records import Exchange, Origin
from l9gate.gate.load_app import application_environ, attest, project_modules
from l9gate.wire.messages import Usage

Build = Callable[..., Exchange]
WHOLE = CallMark.HAS_REQUEST_ID | CallMark.HAS_USAGE


def row() -> Row:
    return Row(due_s=1.0, sent_s=1.0, ended_s=2.0, end=CallEnd.OK)


def test_one_answered_call_of_the_runs_kind_proves_an_operation(exchange: Build) -> None:
    usage = Usage(input_tokens=1, output_tokens=1)
    whole = exchange(origin=Origin.LIVE, served_model="m", usage=usage)
    failed = exchange(origin=Origin.LIVE, status=529, usage=None, served_model=None)
    assert attest(row(), [failed, whole], Origin.LIVE).marks == WHOLE
    assert attest(row(), [failed], Origin.LIVE).marks == CallMark.HAS_REQUEST_ID


@pytest.mark.parametrize("kind", [Origin.LIVE, Origin.SIMULATED])
def test_an_operation_without_a_call_has_no_proof(kind: Origin) -> None:
    assert attest(row(), [], kind).marks == CallMark.NONE


@pytest.mark.parametrize("origin", [Origin.MOCKED, Origin.SIMULATED, Origin.OTHER])
def test_an_operation_that_was_answered_elsewhere_is_no_live_one(
    origin: Origin, exchange: Build
) -> None:
    """C-01: an application that mocks its client in production code measures nothing."""
    usage = Usage(input_tokens=1, output_tokens=1)
    elsewhere = exchange(origin=origin, served_model="m", usage=usage)
    attested = attest(row(), [elsewhere], Origin.LIVE)
    assert (attested.marks, attested.origin) == (CallMark.NONE, origin)


def test_the_application_finds_its_variables_and_only_for_a_while() -> None:
    before = dict(os.environ)
    with application_environ({"ANTHROPIC_API_KEY": "sk-test-1"}):
        assert dict(os.environ) == {"ANTHROPIC_API_KEY": "sk-test-1"}
    assert dict(os.environ) == before


def test_the_modules_of_a_project_are_found_for_a_while(tmp_path: Path) -> None:
    before = list(sys.path)
    with project_modules(tmp_path):
        assert sys.path[0] == str(tmp_path)
    assert sys.path == before
