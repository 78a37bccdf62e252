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
    tested: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """As an installer reads it."""
        return f"{self.package}>={self.least},<{self.below}"

    def includes(self, version: str) -> bool:
        """Whether a version lies in the range, by its release numbers."""
        return _release(self.least) <= _release(version) < _release(self.below)


# `tested` is run by tests/system/observe, newest first: of the SDK and of httpx2 the newest three,
# of everything the oldest. 0.125 is the last SDK that works over httpx.
SUPPORTED = (
    Supported("anthropic", "0.125", "3", tested=("2.12.0", "2.11.0", "2.10.0", "1.0.0", "0.125.0")),
    Supported("httpx2", "2.0", "3", tested=("2.16.2", "2.16.1", "2.16.0", "2.0.0")),
    Supported("httpx", "0.27", "1", tested=("0.28.1", "0.27.0")),
    Supported("requests", "2.31", "3", tested=("2.34.2", "2.31.0")),
    Supported("aiohttp", "3.10", "4", tested=("3.14.5", "3.10.0")),
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
