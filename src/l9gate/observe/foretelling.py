"""What the newest version of the API refuses of a request that was sent under an older one.

Loaded when such a request passes, since it brings in the contract.
"""

import re

from l9gate.contract import foretell_refusals
from l9gate.wire.json import parse_object

_ITEM = re.compile(r"(?<=/)\d+(?=/|$)")
MAX_PLACES = 20  # of one request: a conversation may hold the same thing in every turn


def foretell(body: bytes) -> tuple[str, ...] | None:
    """Return the refusals as `CODE PLACE`, each once, `*` for the number of an item.

    Nothing of what the request says is in them. None: the body is no JSON object.
    """
    asked = parse_object(body)
    if asked is None:
        return None
    found = (f"{one.code} {_ITEM.sub('*', one.path)}" for one in foretell_refusals(asked))
    return tuple(dict.fromkeys(found))[:MAX_PLACES]
