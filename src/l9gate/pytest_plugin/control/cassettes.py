"""Whether a cassette of vcrpy stands between the application and its endpoint."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Protocol


class _Cassette(Protocol):
    _save: Callable[..., None]


class _Context(Protocol):
    __enter__: Callable[..., object]
    __exit__: Callable[..., object]


class Cassettes:
    """Counts the cassettes that are in use."""

    def __init__(self) -> None:
        self._in_use = 0

    def is_replaying(self) -> bool:
        """Whether one is in use now."""
        return self._in_use > 0

    def watch(self) -> None:
        """Be told from now on, if vcrpy is installed."""
        if importlib.util.find_spec("vcr") is None:
            return
        module = importlib.import_module("vcr.cassette")
        context: _Context | None = getattr(module, "CassetteContextDecorator", None)
        cassette: _Cassette | None = getattr(module, "Cassette", None)
        if context is not None and cassette is not None:
            self._count(context)
            cassette._save = _save_nothing  # noqa: SLF001  # what we answer belongs in no cassette

    def _count(self, context: _Context) -> None:
        enter, leave = context.__enter__, context.__exit__

        def entered(cassette: object) -> object:
            found = enter(cassette)
            self._in_use += 1
            return found

        def left(cassette: object, *error: object) -> object:
            self._in_use -= 1
            return leave(cassette, *error)

        context.__enter__, context.__exit__ = entered, left


def _save_nothing(*_: object, **__: object) -> None:
    return
