"""Sees objects of the SDK's response types where a test makes them, and not where the SDK does.

Every constructor of the SDK's models is wrapped. Who is told of is made from outside of the SDK's
package: answers that the SDK reads from the wire are seen on the wire.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import cast

from l9gate.observe.imports import ImportWatch

MODELS = "anthropic._models"
_CONSTRUCTORS = ("construct", "model_construct", "model_validate", "model_validate_json")
_SDK, _BENEATH = "anthropic", frozenset({"pydantic", "pydantic_core"})
_TYPES = f"{_SDK}.types"
_BETA = "Beta"
_IS_PLAIN = "__pydantic_base_init__"  # pydantic calls an `__init__` without it itself, as custom
_PATTERN = "site-packages"
# Class of the SDK, or the same of its beta → document of the contract.
_DOCUMENTS = {
    "Message": "message",
    "RawMessageStartEvent": "event message_start",
    "RawContentBlockStartEvent": "event content_block_start",
    "RawContentBlockDeltaEvent": "event content_block_delta",
    "RawContentBlockStopEvent": "event content_block_stop",
    "RawMessageDeltaEvent": "event message_delta",
    "RawMessageStopEvent": "event message_stop",
    "ErrorResponse": "error",
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
        self._root = str(root)
        self._imports: ImportWatch | None = None
        self._base: type | None = None
        self._before: dict[str, object] = {}  # of the class itself; None: it was inherited
        self._kinds: dict[type, tuple[str, bool] | None] = {}

    def start(self) -> None:
        """Begin to watch, now or with the SDK's import."""
        module = sys.modules.get(MODELS)
        if module is not None:
            self._patch(module)
        elif self._imports is None:
            self._imports = ImportWatch((MODELS,), self._patch)
            self._imports.start()

    def stop(self) -> None:
        """Leave the SDK as it was found."""
        if self._imports is not None:
            self._imports.stop()
            self._imports = None
        if self._base is not None:
            for name, before in self._before.items():
                if before is None:
                    delattr(self._base, name)
                else:
                    setattr(self._base, name, before)
        self._base = None

    def _patch(self, module: ModuleType) -> None:
        self._imports = None
        base = getattr(module, "BaseModel", None)
        lack = _find_lack(base)
        if lack is not None or not isinstance(base, type):
            self._blind(lack or "no models")
            return
        if self._base is not None:
            return
        self._base = base
        self._before = {name: vars(base).get(name) for name in ("__init__", *_CONSTRUCTORS)}
        wrapped = {name: self._wrapped(base, name) for name in _CONSTRUCTORS}
        for name, patched in {"__init__": self._wrapped_init(base), **wrapped}.items():
            setattr(base, name, patched)

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
        if kind is None:
            return
        while frame is not None and _package(frame) in _BENEATH:
            frame = frame.f_back
        if frame is not None and _package(frame) != _SDK:
            self._told(Made(model, kind, self._place(frame)))

    def _kind_of(self, kind: type) -> tuple[str, bool] | None:
        if kind not in self._kinds:
            self._kinds[kind] = _find_kind(kind)
        return self._kinds[kind]

    def _place(self, frame: FrameType) -> tuple[Path, int]:
        """Return the innermost place in the project, else the innermost of all."""
        step: FrameType | None = frame
        while step is not None:
            file = step.f_code.co_filename
            if file.startswith(self._root) and _PATTERN not in file:
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


def _package(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if isinstance(name, str) else ""
