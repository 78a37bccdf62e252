"""Sees objects of the SDK's response types where a test makes them, and not where the SDK does.

Every constructor of the SDK's models is wrapped. Who is told of is made from outside of the SDK's
package: answers that the SDK reads from the wire are seen on the wire.
"""

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType, ModuleType
from typing import cast

from l9gate.observe.imports import ImportWatch
from l9gate.wire.json import JsonObject

MODELS, ERRORS = "anthropic._models", "anthropic._exceptions"
_CONSTRUCTORS = ("construct", "model_construct", "model_validate", "model_validate_json")
_SDK, _BENEATH = "anthropic", frozenset({"pydantic", "pydantic_core"})
_TYPES = f"{_SDK}.types"
_BETA = "Beta"
_IS_PLAIN = "__pydantic_base_init__"  # pydantic calls an `__init__` without it itself, as custom
_INSTALLED = "site-packages"
_ERROR = "error"
# Class of the SDK, or the same of its beta → document of the contract.
_DOCUMENTS = {
    "Message": "message",
    "RawMessageStartEvent": "event message_start",
    "RawContentBlockStartEvent": "event content_block_start",
    "RawContentBlockDeltaEvent": "event content_block_delta",
    "RawContentBlockStopEvent": "event content_block_stop",
    "RawMessageDeltaEvent": "event message_delta",
    "RawMessageStopEvent": "event message_stop",
    "ErrorResponse": _ERROR,
    "MessageTokensCount": "token_count",
    "ModelInfo": "model",
    "MessageBatch": "batch",
    "FileMetadata": "file",
}


class Made:
    """One object that was made by hand."""

    __slots__ = ("document", "is_beta", "place", "thing")

    def __init__(self, thing: object, kind: tuple[str, bool], place: tuple[Path, int]) -> None:
        self.thing = thing
        self.document, self.is_beta = kind
        self.place = place  # file and line


class ErrorBody:
    """The body of an error that a test made, as a model; the error itself would hold its trace."""

    def __init__(self, status: object, body: JsonObject) -> None:
        is_refusal = type(status) is int and status >= 400  # else it is an event of a stream
        self.status = status if is_refusal else None
        self.body = body

    def model_dump(self, **_: object) -> JsonObject:
        """Return it.

        Raises:
            TypeError: it is no JSON.
        """
        json.dumps(self.body)
        return self.body


class Making:
    """Wraps the constructors of the SDK once it is imported.

    Args:
        told: is called with every object that was made by hand; it must not raise.
        blind: is called with why an SDK cannot be watched.
        root: of the project, to tell its code from that of libraries.
    """

    def __init__(
        self, told: Callable[[Made], None], blind: Callable[[str], None], root: Path
    ) -> None:
        self._told = told
        self._blind = blind
        self._root = f"{root}{os.sep}"
        self._imports: list[ImportWatch] = []
        self._before: dict[tuple[type, str], tuple[object, object]] = {}  # and what is there now
        self._kinds: dict[type, tuple[str, bool] | None] = {}

    def start(self) -> None:
        """Begin to watch, now or with the SDK's import."""
        if self._imports or self._before:
            return
        for name, patch in ((MODELS, self._patch_models), (ERRORS, self._patch_errors)):
            module = sys.modules.get(name)
            if module is not None:
                patch(module)
            else:
                watch = ImportWatch((name,), patch)
                self._imports.append(watch)
                watch.start()

    def stop(self) -> None:
        """Leave the SDK as it was found, but for what somebody has patched over ours."""
        for watch in self._imports:
            watch.stop()
        self._imports.clear()
        for (owner, name), (before, patched) in self._before.items():
            if vars(owner).get(name) is not patched:
                continue
            if before is None:  # it was inherited
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._before.clear()

    def _patch_models(self, module: ModuleType) -> None:
        base = getattr(module, "BaseModel", None)
        lack = _find_lack(base)
        if lack is not None or not isinstance(base, type):
            self._blind(f"{_name_sdk()}: {lack}")
            return
        for name in _CONSTRUCTORS:
            self._replace(base, name, self._wrapped(base, name))
        self._replace(base, "__init__", self._wrapped_init(base))

    def _patch_errors(self, module: ModuleType) -> None:
        base = getattr(module, "APIStatusError", None)
        if isinstance(base, type):
            self._replace(base, "__init__", self._wrapped_error(base))

    def _replace(self, owner: type, name: str, patched: object) -> None:
        self._before[owner, name] = vars(owner).get(name), patched
        setattr(owner, name, patched)

    def _wrapped_error(self, base: type) -> Callable[..., None]:
        original = cast("Callable[..., None]", inspect.getattr_static(base, "__init__"))

        @functools.wraps(original)
        def __init__(error: object, /, *arguments: object, **values: object) -> None:  # noqa: N807 - it takes that place
            original(error, *arguments, **values)
            body = getattr(error, "body", None)
            if body and isinstance(body, dict):  # others say nothing, as those of a proxy's page
                made = ErrorBody(getattr(error, "status_code", None), body)
                self._tell(made, (_ERROR, False), sys._getframe(1))  # noqa: SLF001 - see below

        return __init__

    def _wrapped_init(self, base: type) -> Callable[..., None]:
        original = cast("Callable[..., None]", inspect.getattr_static(base, "__init__"))

        @functools.wraps(original)
        def __init__(model: object, /, **values: object) -> None:  # noqa: N807 - it takes that place
            original(model, **values)
            self._look(model, sys._getframe(1))  # noqa: SLF001 - as `inspect` does, without its cost

        return __init__

    def _wrapped(self, base: type, name: str) -> object:
        original = inspect.getattr_static(base, name).__func__

        @functools.wraps(original)
        def construct(kind: type, /, *arguments: object, **values: object) -> object:
            model = original(kind, *arguments, **values)
            self._look(model, sys._getframe(1))  # noqa: SLF001 - see above
            return model

        return classmethod(construct)

    def _look(self, model: object, frame: FrameType | None) -> None:
        kind = self._kind_of(type(model))
        if kind is not None:
            self._tell(model, kind, frame)

    def _tell(self, thing: object, kind: tuple[str, bool], frame: FrameType | None) -> None:
        while frame is not None and _package(frame) in _BENEATH:
            frame = frame.f_back
        if frame is not None and _package(frame) != _SDK:
            self._told(Made(thing, kind, self._place(frame)))

    def _kind_of(self, kind: type) -> tuple[str, bool] | None:
        if kind not in self._kinds:
            self._kinds[kind] = _find_kind(kind)
        return self._kinds[kind]

    def _place(self, frame: FrameType) -> tuple[Path, int]:
        """Return the innermost place in the project, else the innermost of all."""
        step: FrameType | None = frame
        while step is not None:
            file = step.f_code.co_filename
            if file.startswith(self._root) and _INSTALLED not in file:
                return Path(file), step.f_lineno
            step = step.f_back
        return Path(frame.f_code.co_filename), frame.f_lineno


def _find_kind(kind: type) -> tuple[str, bool] | None:
    for one in kind.__mro__:
        if one.__module__.startswith(_TYPES):
            name = one.__name__.removeprefix(_BETA)
            if name in _DOCUMENTS:
                return _DOCUMENTS[name], name != one.__name__ or ".beta." in one.__module__
    return None


def _find_lack(base: object) -> str | None:
    if not getattr(getattr(base, "__init__", None), _IS_PLAIN, False):
        return "its models are none of pydantic 2"
    missing = [name for name in _CONSTRUCTORS if not hasattr(base, name)]
    return f"its models have no `{missing[0]}`" if missing else None


def _name_sdk() -> str:
    try:
        return f"{_SDK} {version(_SDK)}"
    except PackageNotFoundError:
        return _SDK


def _package(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if isinstance(name, str) else ""
