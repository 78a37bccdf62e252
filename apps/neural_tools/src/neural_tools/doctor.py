"""Compares the settings with what the API says about the model."""

from dataclasses import dataclass

import anthropic
import httpx2
from anthropic.types import ModelInfo

from neural_tools.errors import ConfigurationError, NeuralToolsError
from neural_tools.failure import Circumstances, explain
from neural_tools.settings import Effort, Mode, Settings, Thinking

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_fine: bool
    detail: str


def diagnose(settings: Settings, transport: httpx2.BaseTransport | None = None) -> list[Check]:
    """Ask the API about the configured model and compare.

    Raises:
        ConfigurationError: key or model are refused.
        NeuralToolsError: the API cannot be reached.
    """
    if settings.mode is Mode.MOCK:
        detail = "no key in explicit development: all rankings are invented and labelled so"
        return [Check(name="mode", is_fine=True, detail=detail)]
    model = _retrieve(settings, transport)
    mode = Check(name="mode", is_fine=True, detail=f"real, asking {settings.base_url}")
    return [mode, *compare(settings, model)]


def compare(settings: Settings, model: ModelInfo) -> list[Check]:
    """Return what the model offers against what the settings ask of it."""
    checks = [
        Check(
            name="lifecycle",
            is_fine=model.lifecycle == "active",
            detail=f"{model.id} is {model.lifecycle}",
        )
    ]
    offered = model.capabilities
    if offered is None:
        detail = f"the API says nothing about what {model.id} can do"
        return [*checks, Check(name="capabilities", is_fine=False, detail=detail)]
    checks.append(
        Check(
            name="structured outputs",
            is_fine=offered.structured_outputs.supported,
            detail="needed, because ids come through a JSON schema",
        )
    )
    if settings.thinking is not Thinking.DEFAULT:
        kind = getattr(offered.thinking.types, settings.thinking.value, None)
        checks.append(
            Check(
                name="thinking",
                is_fine=bool(kind is not None and kind.supported),
                detail=f"NEURAL_TOOLS_THINKING={settings.thinking.value}",
            )
        )
    if settings.effort is not Effort.DEFAULT:
        level = getattr(offered.effort, settings.effort.value, None)
        checks.append(
            Check(
                name="effort",
                is_fine=bool(level is not None and level.supported),
                detail=f"NEURAL_TOOLS_EFFORT={settings.effort.value}",
            )
        )
    return checks


def _retrieve(settings: Settings, transport: httpx2.BaseTransport | None) -> ModelInfo:
    http_client = anthropic.DefaultHttpxClient(transport=transport)
    seen = Circumstances(
        model=settings.model,
        key_variables=settings.key_variables,
        api_key=settings.api_key,
        wall_s=0.0,
        had_headers=False,
    )
    with anthropic.Anthropic(
        api_key=settings.api_key,
        base_url=settings.base_url,
        max_retries=0,
        timeout=TIMEOUT_S,
        http_client=http_client,
    ) as client:
        try:
            model: object = client.models.retrieve(settings.model)
        except (anthropic.AnthropicError, httpx2.HTTPError, OSError, ValueError) as error:
            meaning = explain(error, seen)
            if isinstance(meaning, ConfigurationError):
                raise meaning from error
            reason = meaning.reason if meaning is not None else type(error).__name__
            raise NeuralToolsError(
                f"{settings.base_url} gave no answer about the model: {reason}",
                hint="check the network and ANTHROPIC_BASE_URL",
            ) from error
    if not isinstance(model, ModelInfo):
        raise NeuralToolsError(f"{settings.base_url} does not speak the Messages API")
    return model
