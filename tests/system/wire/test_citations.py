"""That the suite leaves out no row of the sheet's tables: V1 to V23, K1 to K32, 19.1 to 19.17."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CITED = re.compile(r"\b(V|K|19\.)(\d+)(?: to \1(\d+))?\b|_k(\d+)(?=_)")
# Nothing that an HTTP server of this API could show: a broken route, another cloud's frames.
NOT_SHOWN = {"K16", "K24"}


def cited(prefix: str) -> Iterator[str]:
    for path in HERE.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8").partition('"""')[2].partition('"""')[2]
        for found in CITED.finditer(text):
            if found[4] is not None:
                yield f"K{found[4]}"
            elif found[1] == prefix:
                last = int(found[3] or found[2])
                yield from (f"{prefix}{number}" for number in range(int(found[2]), last + 1))


@pytest.mark.parametrize(("prefix", "last"), [("V", 23), ("K", 32), ("19.", 17)])
def test_every_row_is_cited_by_a_check(prefix: str, last: int) -> None:
    rows = {f"{prefix}{number}" for number in range(1, last + 1)} - NOT_SHOWN
    assert rows - set(cited(prefix)) == set()
