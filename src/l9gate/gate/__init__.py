"""Run, judge, watch, control: the one flow."""

from l9gate.gate.control import ControlRequest, ControlResult, control
from l9gate.gate.judgement import Judgement, judge, judge_packages, watch
from l9gate.gate.request import RunRequest
from l9gate.gate.session import (
    begin_direct_run,
    finish_direct_run,
    require_endpoint,
    run,
)

__all__ = [
    "ControlRequest",
    "ControlResult",
    "Judgement",
    "RunRequest",
    "begin_direct_run",
    "control",
    "finish_direct_run",
    "judge",
    "judge_packages",
    "require_endpoint",
    "run",
    "watch",
]
