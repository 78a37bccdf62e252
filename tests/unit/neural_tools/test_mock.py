from collections.abc import Callable

from neural_tools.index import Candidate
from neural_tools.mock import invent_order


def test_an_invented_order_is_a_repeatable_permutation(
    candidates: Callable[[int], list[Candidate]],
) -> None:
    """V-01."""
    given = candidates(5)
    order = invent_order("find f4", given)
    assert order == invent_order("find f4", given)
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert order[0] == 3
    assert invent_order("zebra", given) == (0, 1, 2, 3, 4)
    assert invent_order("zebra", []) == ()
