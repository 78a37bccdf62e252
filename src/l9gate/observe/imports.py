"""Is told when a library is imported, so that none has to be imported only to be observed."""

import importlib.util
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType


class ImportWatch:
    """Calls back with each of the named modules, right after its first import.

    What the callback raises, the `import` statement raises.
    """

    def __init__(self, names: Iterable[str], imported: Callable[[ModuleType], None]) -> None:
        self._names = set(names)
        self._imported = imported

    def start(self) -> None:
        """Begin to watch; a module that is imported already is not told of."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no longer."""
        self._names.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Return the spec that everybody else finds, with a loader that tells when it is done."""
        if name not in self._names:
            return None
        self._names.discard(name)  # once is enough, and the search below comes by here again
        spec = importlib.util.find_spec(name)
        loader = None if spec is None else spec.loader
        if loader is None:
            self._names.add(name)
            return None
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            try:
                execute(module)
            except BaseException:
                self._names.add(name)  # it may be tried again
                raise
            self._imported(module)

        vars(loader)["exec_module"] = exec_module
        return spec
