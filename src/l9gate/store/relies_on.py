"""`[tool.l9gate.contract.relies_on]`: what one application relies on, beyond all others."""

from typing import Annotated

import msgspec

_Names = tuple[Annotated[str, msgspec.Meta(min_length=1)], ...]


class ReliesOn(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Nothing is said by what is left empty."""

    models: _Names = ()  # that it names
    headers: _Names = ()  # that it reads from messages
    fields: _Names = ()  # that it reads: paths in the document `message`
    stop_reasons: _Names = ()  # that it has a branch for
    block_types: _Names = ()  # the same
    events: _Names = ()  # of streams, beyond the documented ones: the same
    survives_unknown: bool = True  # it has a branch for those that it does not know


NOTHING = ReliesOn()
