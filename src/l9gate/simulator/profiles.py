"""How strict a simulator is: which rules hold, and which models exist.

`strict` refuses all that the API refuses. `lenient` keeps the rules of form (which keys, which
types) and drops those of value: lengths, patterns, ranges, the order of turns, what models and
betas there are. It is for clients' own tests, whose placeholder values break documented rules.
"""

from typing import Literal, TypeAlias, get_args

from l9gate.wire.models import ModelFacts, find_model

Strictness: TypeAlias = Literal["strict", "lenient"]
STRICTNESSES: tuple[Strictness, ...] = get_args(Strictness)


def resolve_model(name: str, strictness: Strictness = "strict") -> ModelFacts | None:
    """Return the model that a request gets by this name, None if it is refused.

    A retired model is refused like an unknown one, unless leniently: then any name gets a model.
    """
    facts = find_model(name)
    if strictness == "lenient":
        return facts or ModelFacts(id=name, name=name, line=None, accepts_sampling=True)
    return None if facts is None or facts.lifecycle == "retired" else facts
