"""What the source of a negative control is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from l9gate.errors import PlanError
from l9gate.evidence.records import Layer
from l9gate.evidence.sightings import Against

PLUGIN = "l9gate.pytest_plugin.control"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlan:
    """One session of pytest against one endpoint.

    Raises:
        PlanError: a layer names a path that does not exist.
    """

    against: Against
    base_url: str
    root: Path  # where pytest is started
    folder: Path  # where the plug-in writes; it exists and is empty
    environ: Mapping[str, str] = field(repr=False)
    arguments: tuple[str, ...] = ()  # of the layers, or of the user
    paths: tuple[str, ...] = ()  # of the layers; none: what pytest collects by itself
    layers: tuple[Layer, ...] = ()
    selected: tuple[str, ...] | None = None  # node ids; None: everything
    test_limit_s: float = 20.0
    limit_s: float = 120.0

    def __post_init__(self) -> None:
        absent = [path for path in self.paths if not (self.root / path).exists()]
        if absent:
            raise PlanError(
                f"{', '.join(self.layers)}: no such path: {', '.join(absent)}",
                hint="correct `paths` in [tool.l9gate.layers]",
            )

    def pytest_arguments(self) -> tuple[str, ...]:
        """Return the words after `python -m pytest`."""
        quiet = ("-q", "--color=no", "--tb=line", "--continue-on-collection-errors")
        return ("-p", PLUGIN, *self.paths, *quiet, *self.arguments)
