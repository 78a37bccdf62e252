"""Heads of requests that were read before: clients send the same one again and again."""

import msgspec

_MAX_HEADS = 512
_MAX_HEAD_BYTES = 4096
_OTHER_ENDS = frozenset({"transfer-encoding", "expect", "upgrade"})


class Head(msgspec.Struct, frozen=True, gc=False):
    """What the first lines of a request say; its headers are shared, so nobody may change them."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body_bytes: int


class KnownHeads:
    """Remembers what the HTTP parser made of a head, by its exact bytes; bounded.

    Reading is a function of the bytes, so a remembered head is as good as one that is read again.
    Only heads of whole, accepted requests are kept, framed by `content-length` or without a body.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def find(self, data: bytes) -> Head | None:
        """Return what a head says, None if it was not read before."""
        return self._heads.get(data)

    def keep(self, data: bytes, head: Head) -> None:
        """Remember a head, unless it is long or its body ends otherwise than by its length."""
        if not _is_simple(data) or head.headers.keys() & _OTHER_ENDS:
            return
        if len(self._heads) >= _MAX_HEADS:
            self._heads.clear()
        self._heads[data] = head


def _is_simple(data: bytes) -> bool:
    """Whether the head is all of the data: nothing before it, no line that ends otherwise."""
    lines = data.replace(b"\r\n", b"")
    is_clean = b"\n" not in lines and b"\r" not in lines
    return is_clean and data[:1].isalpha() and len(data) <= _MAX_HEAD_BYTES
