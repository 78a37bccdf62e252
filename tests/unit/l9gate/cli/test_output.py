import sys
from typing import cast

import pytest

from l9gate.cli.output import show_judgement
from l9gate.gate import Judgement


@pytest.mark.parametrize("format_name", ["text", "json", "html"])
def test_a_closed_stdout_is_told_nothing(
    format_name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`l9gate judge >&-` asks for the exit code alone; it is no bug of ours."""
    monkeypatch.setattr(sys, "stdout", None)
    show_judgement(cast("Judgement", None), format_name)
    assert capsys.readouterr().err == ""
