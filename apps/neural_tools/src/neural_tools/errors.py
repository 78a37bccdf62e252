"""Every error that neural_tools raises, grouped by who can act on it.

NeuralToolsError
├── ConfigurationError         whoever sets variables, key, account or model: never degraded
│   ├── KeyRefusedError        401, 403
│   ├── BillingError           402
│   ├── ModelNotFoundError     404
│   └── RequestRefusedError    400, 413, 422 and other 4xx
├── RerankUnavailableError     strict mode only: a transient failure that would have degraded
├── AnswerError                the model's answer is not a ranking of what it was shown
├── CorpusError                a source tree or corpus file that cannot be read
└── IndexFolderError           an index folder that cannot be read or written
"""


class NeuralToolsError(Exception):
    """Says what was found and what was expected; the hint says what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(NeuralToolsError):
    """Nothing will work until somebody changes a setting, a key or an account."""


class KeyRefusedError(ConfigurationError):
    """The API answered 401 or 403."""


class BillingError(ConfigurationError):
    """The API answered 402."""


class ModelNotFoundError(ConfigurationError):
    """The API answered 404: the model is unknown, retired or not accessible."""


class RequestRefusedError(ConfigurationError):
    """The API answered that it does not accept requests of this shape."""


class RerankUnavailableError(NeuralToolsError):
    """A transient failure, raised because strict mode forbids degraded results.

    Attributes:
        reason: one of the reasons in `neural_tools.failure`.
    """

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class AnswerError(NeuralToolsError):
    """The model's answer is not a ranking of the candidates that it was shown."""


class CorpusError(NeuralToolsError):
    """A source tree or corpus file cannot be read."""


class IndexFolderError(NeuralToolsError):
    """An index folder cannot be read or written."""
