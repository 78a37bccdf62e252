"""What criteria that stand around another one have in common."""

from dataclasses import dataclass

from l9gate.criteria.criterion import Criterion, Role, Scope
from l9gate.evidence.records import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Has the name, role and layers of the criterion inside."""

    criterion: Criterion

    @property
    def name(self) -> str:
        """The name of the criterion."""
        return self.criterion.name

    @property
    def role(self) -> Role:
        """The role of the criterion."""
        return self.criterion.role

    @property
    def layers(self) -> frozenset[Layer]:
        """The layers of the criterion."""
        return self.criterion.layers

    def is_asked_of(self, scope: Scope) -> bool:
        """Return whether the criterion is asked."""
        return self.criterion.is_asked_of(scope)
