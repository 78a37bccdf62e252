from collections.abc import Callable

import httpx2
import pytest

from neural_tools.doctor import diagnose
from neural_tools.errors import KeyRefusedError, ModelNotFoundError, NeuralToolsError
from neural_tools.settings import Effort, Settings, Thinking

Build = Callable[..., httpx2.Response]
NAMED = {"type": "model", "id": "m", "display_name": "M", "created_at": "2026-01-01T00:00:00Z"}
SIMPLE = (
    "batch",
    "citations",
    "code_execution",
    "image_input",
    "pdf_input",
    "structured_outputs",
)


def model(lifecycle: str = "active", *, disabled: bool = True, low: bool = True) -> httpx2.Response:
    yes = {"supported": True}
    capabilities: dict[str, object] = dict.fromkeys(SIMPLE, yes)
    capabilities["context_management"] = yes
    capabilities["effort"] = dict.fromkeys(("medium", "high", "max"), yes) | {
        "supported": True,
        "low": {"supported": low},
    }
    capabilities["server_tools"] = yes | dict.fromkeys(("code_execution", "web_search"), yes)
    types = dict.fromkeys(("adaptive", "enabled"), yes) | {
        "between_tools": {"supported": False},
        "disabled": {"supported": disabled},
    }
    capabilities["thinking"] = yes | {"types": types}
    return httpx2.Response(200, json=NAMED | {"lifecycle": lifecycle, "capabilities": capabilities})


def wrong(response: httpx2.Response | Exception, **changes: object) -> list[str]:
    def respond(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/models/claude-haiku-5-5"
        if isinstance(response, Exception):
            raise response
        return response

    settings = Settings(**({"api_key": "k"} | changes))  # type: ignore[arg-type]
    checks = diagnose(settings, httpx2.MockTransport(respond))
    return [check.name for check in checks if not check.is_fine]


def test_settings_that_fit_the_model_are_fine() -> None:
    assert wrong(model()) == []
    assert wrong(model(), thinking=Thinking.DEFAULT, effort=Effort.DEFAULT) == []


def test_what_the_model_does_not_offer_is_named() -> None:
    assert wrong(model(disabled=False)) == ["thinking"]
    assert wrong(model(), thinking=Thinking.BETWEEN_TOOLS) == ["thinking"]
    assert wrong(model(low=False)) == ["effort"]
    assert wrong(model("deprecated")) == ["lifecycle"]


def test_a_model_of_unknown_abilities_is_not_fine() -> None:
    body = NAMED | {"lifecycle": "active", "capabilities": None}
    assert wrong(httpx2.Response(200, json=body)) == ["capabilities"]


def test_mock_mode_asks_nothing() -> None:
    """V-01."""
    (check,) = diagnose(Settings(environment="development"))
    assert check.is_fine
    assert "invented" in check.detail


def test_a_refusal_is_raised(refusal: Build) -> None:
    with pytest.raises(KeyRefusedError):
        wrong(refusal(401, "authentication_error"))
    with pytest.raises(ModelNotFoundError):
        wrong(refusal(404, "not_found_error"))


@pytest.mark.scenario("malformed_answer")
@pytest.mark.parametrize(
    "response",
    [httpx2.ConnectError("refused"), httpx2.Response(200, text="<html>"), RuntimeError("bug")],
)
def test_no_usable_answer_is_one_clear_error(response: httpx2.Response | Exception) -> None:
    with pytest.raises(NeuralToolsError, match=r"https://api\.anthropic\.com"):
        wrong(response)
