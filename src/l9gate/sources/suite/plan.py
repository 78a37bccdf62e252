"""What the suite source is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from l9gate.errors import PlanError
from l9gate.evidence.records import Layer
from l9gate.store.account import Account

DECIDED = 90  # pytest's exit status, by the plug-in, once the evidence was certain


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePlan:
    """One layer's tests, as pytest is told to run them.

    Raises:
        PlanError: the layer names a path that does not exist.
    """

    layer: Layer
    root: Path
    paths: tuple[str, ...]
    marker: str | None = None
    arguments: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(repr=False)  # of the child; it may hold a key
    limit_s: float = 1800.0
    account: Account | None = None  # whose money its calls cost

    def __post_init__(self) -> None:
        absent = [path for path in self.paths if not (self.root / path).exists()]
        if absent or not self.paths:
            raise PlanError(
                f"layer `{self.layer}`: no such path: {', '.join(absent) or '(none given)'}",
                hint=f"correct `paths` in [tool.l9gate.layers.{self.layer}]",
            )

    def pytest_arguments(self) -> tuple[str, ...]:
        """Return the words after `python -m pytest`."""
        marker = ("-m", self.marker) if self.marker else ()
        return (*self.paths, *marker, "-q", "--color=no", "--tb=short", *self.arguments)
