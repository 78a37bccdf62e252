"""E-01: objects of the SDK that tests make are seen, and those that the SDK makes are not."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

import pydantic
import pytest

from l9gate.observe import making
from l9gate.observe.making import ERRORS, MODELS, Made, Making

HERE = Path(__file__)
SDK = """
import pydantic

class BaseModel(pydantic.BaseModel):
    @classmethod
    def construct(cls, **values):
        return pydantic.BaseModel.model_construct.__func__(cls, **values)
    model_construct = construct

def read(kind, values):
    return kind.construct(**values)

class APIStatusError(Exception):
    def __init__(self, message, *, response, body):
        super().__init__(message)
        self.status_code, self.body = response, body

class RateLimitError(APIStatusError):
    pass

def refuse():
    return RateLimitError("no", response=429, body={"type": "error"})

def read_strictly(kind, values):
    return kind.model_validate(values)
"""
Watched = tuple[ModuleType, list[Made], list[str], Making]


def model(base: type, name: str, module: str = "anthropic.types.x") -> type[pydantic.BaseModel]:
    found: type[pydantic.BaseModel] = type(
        name, (base,), {"__module__": module, "__annotations__": {"id": str}}
    )
    return found


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A small SDK of the same build, and what was told of it."""
    sdk = ModuleType(MODELS)
    exec(SDK, vars(sdk))  # noqa: S102 - so that its frames are the SDK's
    monkeypatch.setitem(sys.modules, MODELS, sdk)
    monkeypatch.setitem(sys.modules, ERRORS, sdk)
    told: list[Made] = []
    blind: list[str] = []
    making = Making(told.append, blind.append, HERE.parent)
    making.start()
    yield sdk, told, blind, making
    making.stop()


MAKERS: dict[str, Callable[[type[pydantic.BaseModel]], pydantic.BaseModel]] = {
    "init": lambda kind: kind(id="a"),
    "construct": lambda kind: kind.construct(id="a"),
    "model_construct": lambda kind: kind.model_construct(id="a"),
    "validate": lambda kind: kind.model_validate({"id": "a"}),
    "validate_json": lambda kind: kind.model_validate_json('{"id": "a"}'),
    "parse_obj": lambda kind: kind.parse_obj({"id": "a"}),
}


@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")
@pytest.mark.parametrize("way", MAKERS)
def test_every_way_to_make_one_is_seen_with_its_place(watched: Watched, way: str) -> None:
    sdk, told, _, _ = watched
    kind = model(sdk.BaseModel, "Message")
    made = MAKERS[way](kind)
    assert getattr(made, "id") == "a"  # noqa: B009 - of a class made here
    (one,) = told
    assert (one.thing, one.document, one.is_beta) == (made, "message", False)
    assert one.place[0] == HERE
    assert "kind" in HERE.read_text(encoding="utf-8").splitlines()[one.place[1] - 1]


def test_what_the_sdk_makes_is_not_told(watched: Watched) -> None:
    sdk, told, _, _ = watched
    kind = model(sdk.BaseModel, "Message")
    sdk.read(kind, {"id": "a"})
    sdk.read_strictly(kind, {"id": "a"})
    sdk.refuse()
    assert told == []


@pytest.mark.parametrize(
    ("name", "module", "document", "is_beta"),
    [
        ("BetaMessage", "anthropic.types.beta.y", "message", True),
        ("MessageBatch", "anthropic.types.beta.y", "batch", True),
        ("RawMessageStopEvent", "anthropic.types.z", "event message_stop", False),
        ("Usage", "anthropic.types.z", None, False),
        ("Message", "shop.models", None, False),
    ],
)
def test_only_whole_documents_are_told(
    watched: Watched, name: str, module: str, document: str | None, *, is_beta: bool
) -> None:
    sdk, told, _, _ = watched
    model(sdk.BaseModel, name, module)(id="a")
    assert [(one.document, one.is_beta) for one in told] == (
        [] if document is None else [(document, is_beta)]
    )


def test_a_class_of_a_test_derived_from_one_counts_as_it(watched: Watched) -> None:
    sdk, told, _, _ = watched
    model(model(sdk.BaseModel, "Message"), "Mine", "shop.fakes")(id="a")
    assert [one.document for one in told] == ["message"]


def test_the_body_of_an_error_is_told_and_not_the_error(watched: Watched) -> None:
    """An error that is kept keeps every frame of its trace."""
    sdk, told, _, _ = watched
    body = {"type": "error"}
    sdk.RateLimitError("no", response=429, body=body)
    sdk.RateLimitError("no", response=429, body=None)  # says nothing
    sdk.RateLimitError("no", response=429, body={})  # nor does this: a test did not care
    (one,) = told
    assert (one.document, one.thing.model_dump()) == ("error", body)  # type: ignore[attr-defined]
    assert one.thing.status == 429  # type: ignore[attr-defined]
    sdk.RateLimitError("no", response=200, body={"at": object()})  # as of an event of a stream
    assert told[1].thing.status is None  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        told[1].thing.model_dump()  # type: ignore[attr-defined]


def test_the_sdk_is_left_as_it_was_found(watched: Watched) -> None:
    sdk, told, _, making = watched
    kind = model(sdk.BaseModel, "Message")
    making.stop()
    making.stop()
    assert not {"__init__", "model_validate"} & set(vars(sdk.BaseModel))
    sdk.RateLimitError("no", response=429, body={"type": "error"})
    assert kind.construct(id="a").id == kind(id="a").id  # type: ignore[attr-defined]
    assert told == []
    making.start()
    kind(id="a")
    assert len(told) == 1


def test_what_somebody_patched_over_ours_stays(watched: Watched) -> None:
    sdk, _, _, making = watched
    theirs = classmethod(lambda kind, **values: (kind, values))
    sdk.BaseModel.construct = theirs
    making.stop()
    assert vars(sdk.BaseModel)["construct"] is theirs
    assert "model_validate" not in vars(sdk.BaseModel)


def test_pydantic_does_not_take_it_for_a_constructor_of_ones_own(watched: Watched) -> None:
    """It would call such a one for every part of every answer."""
    kind = model(watched[0].BaseModel, "Message")
    assert getattr(kind, "__pydantic_custom_init__") is False  # noqa: B009 - of pydantic


NOT_PYDANTIC_2 = "its models are none of pydantic 2"
PARTIAL = """
class BaseModel:
    def __init__(self): pass
    __init__.__pydantic_base_init__ = True
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class BaseModel: pass", NOT_PYDANTIC_2),
        ("", NOT_PYDANTIC_2),
        (PARTIAL, "its models have no `construct`"),
    ],
)
def test_an_sdk_that_cannot_be_watched_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    sdk = ModuleType(MODELS)
    exec(text, vars(sdk))  # noqa: S102 - see above
    monkeypatch.setitem(sys.modules, MODELS, sdk)
    monkeypatch.setitem(sys.modules, ERRORS, sdk)
    blind: list[str] = []
    making = Making(lambda _: None, blind.append, HERE.parent)
    making.start()
    making.stop()
    assert blind == [f"anthropic {version('anthropic')}: {why}"]


def test_an_sdk_without_a_distribution_is_named_without_its_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(making, "version", absent)
    monkeypatch.setitem(sys.modules, MODELS, ModuleType(MODELS))
    monkeypatch.setitem(sys.modules, ERRORS, ModuleType(ERRORS))
    blind: list[str] = []
    Making(lambda _: None, blind.append, HERE.parent).start()
    assert blind == [f"anthropic: {NOT_PYDANTIC_2}"]
