"""Where the errors of calls were caught: an exception's traceback begins in the frame that did."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType

from l9gate.pytest_plugin.control.source import find_handler

# Base classes of what the clients raise; those that an application sees first come first.
_BASES = (
    ("anthropic", "APIError"),
    ("httpx2", "HTTPError"),
    ("httpx", "HTTPError"),
    ("requests", "RequestException"),
    ("aiohttp", "ClientError"),
)
_FOREIGN = ("site-packages", "dist-packages")
_MAX_ERRORS = 20  # of one test: what is kept alive until its end
_MAX_PLACES = 3


class CaughtErrors:
    """Keeps the errors that the clients made during one test."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._errors: list[BaseException] = []
        self._undo: dict[type, Callable[[], None]] = {}

    def watch(self) -> None:
        """Be told of every error from now on, of the libraries that are imported by now."""
        for library, name in _BASES:
            kind = getattr(sys.modules.get(library), name, None)
            if isinstance(kind, type) and kind not in self._undo:
                self._undo[kind] = self._patch(kind)

    def forget(self) -> None:
        """Let go of the errors of the last test."""
        self._errors.clear()

    def places(self) -> tuple[str, ...]:
        """Return where errors ended in the project: `caught at file:line (except X)`.

        Where nothing is written that catches them, such as `gather(return_exceptions=True)`, it is
        the line in which they were seen last: `lost at file:line`.
        """
        found = (self._place(error.__traceback__) for error in self._errors)
        return tuple(dict.fromkeys(place for place in found if place))[:_MAX_PLACES]

    def stop(self) -> None:
        """Leave the classes as they were found."""
        for undo in self._undo.values():
            undo()
        self._undo.clear()

    def _patch(self, kind: type) -> Callable[[], None]:
        has_own = "__init__" in vars(kind)
        original: Callable[..., None] = kind.__init__  # type: ignore[misc]

        def init(error: BaseException, *args: object, **kwargs: object) -> None:
            original(error, *args, **kwargs)
            if len(self._errors) < _MAX_ERRORS:
                self._errors.append(error)

        setattr(kind, "__init__", init)  # noqa: B010  # mypy refuses the plain assignment

        def undo() -> None:
            if has_own:
                setattr(kind, "__init__", original)  # noqa: B010  # the same
            else:
                delattr(kind, "__init__")

        return undo

    def _place(self, trace: TracebackType | None) -> str | None:
        if trace is None:
            return None
        path = Path(_file_of(trace.tb_frame))
        if not path.is_relative_to(self._root) or any(part in _FOREIGN for part in path.parts):
            return None
        where = find_handler(path, trace.tb_lineno)
        name = path.relative_to(self._root).as_posix()
        return f"caught at {name}:{where}" if where else f"lost at {name}:{trace.tb_lineno}"


def _file_of(frame: FrameType) -> str:
    return frame.f_code.co_filename
