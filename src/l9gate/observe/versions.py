"""Which versions of the SDK and of HTTP libraries are observed; others are refused by name."""

import importlib.metadata
import re
from dataclasses import dataclass

from l9gate.errors import SeamError

_RELEASE = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Supported:
    """The versions of one package: from `least` on, and below `below`."""

    package: str
    least: str
    below: str

    @property
    def requirement(self) -> str:
        """As an installer reads it."""
        return f"{self.package}>={self.least},<{self.below}"

    def includes(self, version: str) -> bool:
        """Whether a version lies in the range, by its release numbers."""
        return _release(self.least) <= _release(version) < _release(self.below)


# Both ends of each range are run by tests/system/test_observe_versions.py, the newest three of
# the SDK and of httpx2 as well.
SUPPORTED = (
    Supported("anthropic", "0.125", "3"),
    Supported("httpx2", "2.9", "3"),
    Supported("httpx", "0.27", "1"),
    Supported("requests", "2.31", "3"),
    Supported("aiohttp", "3.10", "4"),
)


def check_versions() -> None:
    """Refuse what is installed in a version that nobody has seen observed.

    Nothing is imported; what is not installed is not missed.

    Raises:
        SeamError: a package has another version than those supported.
    """
    for supported in SUPPORTED:
        try:
            version = importlib.metadata.version(supported.package)
        except importlib.metadata.PackageNotFoundError:
            continue
        if not supported.includes(version):
            raise SeamError(
                f"{supported.package} {version} cannot be observed: this l9gate knows "
                f"{supported.least} up to, without, {supported.below}",
                hint=f'pip install "{supported.requirement}"',
            )


def requirement_of(package: str) -> str:
    """Return what an installer is to be given for an observed package."""
    return next(found.requirement for found in SUPPORTED if found.package == package)


def _release(version: str) -> tuple[int, ...]:
    found = _RELEASE.match(version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
