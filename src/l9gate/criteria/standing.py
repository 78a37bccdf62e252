"""A criterion whose role depends on the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from l9gate.criteria.around import Around
from l9gate.criteria.criterion import Finding, Role, Scope
from l9gate.evidence.log import EvidenceLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Around):
    """A criterion that decides more, or less, in some environments than in the others."""

    role_in: Mapping[str, Role]  # by name of environment

    @property
    def role_in_words(self) -> str:
        """All its roles, such as `exit, advice in development`."""
        others = (f"{role} in {name}" for name, role in self.role_in.items())
        return ", ".join([str(self.role), *others])

    def judge(self, log: EvidenceLog, scope: Scope) -> Finding:
        """Return the criterion's finding with the role that it has in the run's environment."""
        finding = self.criterion.judge(log, scope)
        return msgspec.structs.replace(finding, role=self.role_in.get(scope.environment, self.role))
