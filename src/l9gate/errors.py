"""Every error that l9gate raises, grouped by who can act on it.

L9gateError                    70  our bug, unless a child says otherwise
├── SuiteError                  1  whoever wrote the tests
│   └── NetworkRefusedError
├── UsageError                 64  whoever typed the command
├── RunDataError               65  whoever keeps the run folders
│   ├── RunNotFoundError
│   ├── RunVersionError
│   ├── RunCorruptError
│   └── BaselineError
├── DependencyError            69  whoever owns the key, the network or the account
│   ├── MissingKeyError
│   ├── RefusedKeyError
│   ├── EndpointUnreachableError
│   ├── AnswerTimeoutError
│   └── SeamError              the installed HTTP library cannot be observed
├── WriteError                 74  whoever owns the disk
├── BudgetError                75  whoever owns the money
├── ConfigError                78  whoever edits policy, plan or settings
│   ├── PolicyError
│   ├── PlanError
│   └── SettingsError
├── InterruptedRunError       130  whoever pressed Ctrl-C
└── WireError                  65  the other end of the wire
    ├── SseFormatError
    ├── StreamGrammarError
    ├── MalformedBodyError
    └── BodyCutError

`BudgetStop` and `DecidedStop` stand beside the tree: they are no Exceptions, so that no SDK retries
them and no fallback of an application takes them for a failure of the API.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status means; the numbers above 63 follow BSD's sysexits."""

    READY = 0
    NOT_READY = 1
    UNPROVEN = 2
    USAGE = 64
    RUN_DATA = 65
    DEPENDENCY = 69
    OUR_BUG = 70
    WRITE = 74
    BUDGET = 75
    CONFIG = 78
    INTERRUPTED = 130


class L9gateError(Exception):
    """Says what was found, what was expected and where; the hint says what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.OUR_BUG

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class SuiteError(L9gateError):
    """A test breaks the rules of its layer."""

    exit_code = ExitCode.NOT_READY


class NetworkRefusedError(SuiteError):
    """A unit test reached for the network."""


class UsageError(L9gateError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class RunDataError(L9gateError):
    """A run, tape or baseline cannot be used as evidence."""

    exit_code = ExitCode.RUN_DATA


class RunNotFoundError(RunDataError):
    """There is no run folder at that place."""


class RunVersionError(RunDataError):
    """The run folder was written in a format that this version does not read."""


class RunCorruptError(RunDataError):
    """The run folder does not hold what was written into it."""


class BaselineError(RunDataError):
    """A contract's baseline cannot be learnt, or cannot be read."""


class DependencyError(L9gateError):
    """Something outside is missing or refuses us; nothing was judged."""

    exit_code = ExitCode.DEPENDENCY


class MissingKeyError(DependencyError):
    """A real layer was asked for and there is no key."""


class RefusedKeyError(DependencyError):
    """The endpoint answered and refused the key."""


class EndpointUnreachableError(DependencyError):
    """No answer came from the declared endpoint."""


class AnswerTimeoutError(DependencyError):
    """The endpoint took the request and did not answer in time."""


class SeamError(DependencyError):
    """The place where calls are observed is gone or does not see them."""


class WriteError(L9gateError):
    """Evidence or a report cannot be written."""

    exit_code = ExitCode.WRITE


class BudgetError(L9gateError):
    """The next call could cost more than is left."""

    exit_code = ExitCode.BUDGET


class BudgetStop(BaseException):  # like KeyboardInterrupt: an order, no failure
    """Ends whatever asked for a call that the budget does not allow; nothing was sent."""

    def __init__(self, error: L9gateError) -> None:
        super().__init__(str(error))
        self.error = error


class DecidedStop(BaseException):
    """Ends whatever asked for a call that could no longer change the verdict; nothing was sent."""


class ConfigError(L9gateError):
    """A file that the user wrote says something that cannot be meant."""

    exit_code = ExitCode.CONFIG


class PolicyError(ConfigError):
    """The policy names a quantity, function, role or limit that does not exist."""


class PlanError(ConfigError):
    """What a source was told cannot be carried out."""


class SettingsError(ConfigError):
    """`[tool.l9gate]` or `l9gate.toml` is wrong."""


class InterruptedRunError(L9gateError):
    """The run was stopped from outside; what was measured is kept."""

    exit_code = ExitCode.INTERRUPTED


class WireError(L9gateError):
    """The peer sent bytes that the Messages API does not send."""

    exit_code = ExitCode.RUN_DATA


class SseFormatError(WireError):
    """Bytes that are no server-sent event stream, or exceed its bounds."""


class StreamGrammarError(WireError):
    """An event came where the stream's grammar does not allow it."""


class MalformedBodyError(WireError):
    """A body is no JSON document of the promised shape."""


class BodyCutError(WireError):
    """The other end closed the connection before the body was whole."""
