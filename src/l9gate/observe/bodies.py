"""Hands a whole body on to somebody, beside whoever else watches the exchange."""

from collections.abc import Callable

from l9gate.observe.encoding import make_decoder
from l9gate.observe.watch import HttpResponse, Stop, Watch

MAX_BYTES = 64 << 20  # a larger body is not kept, and nobody is told of it


def listen(watch: Watch | None, hear: Callable[[bytes], None] | None) -> Watch | None:
    """Return a watch that also has a whole successful body heard; None for `hear` changes nothing.

    What goes wrong meanwhile is as if the body had not come.
    """
    return watch if watch is None or hear is None else _Listener(watch, hear)


class _Listener:
    """A watch that copies the body, decoded."""

    def __init__(self, watch: Watch, hear: Callable[[bytes], None]) -> None:
        self._watch = watch
        self._hear = hear
        self._decode = make_decoder(None)
        self._body: bytearray | None = None

    def answered(self, response: HttpResponse) -> None:
        self._watch.answered(response)
        try:
            if response.status_code == 200 and not response.is_closed:
                self._decode = make_decoder(response.headers.get("content-encoding"))
                self._body = bytearray()
        except Exception:  # noqa: BLE001 - our fault is never the application's error
            self._body = None

    def received(self, chunk: bytes) -> None:
        self._watch.received(chunk)
        if self._body is None:
            return
        try:
            for piece in self._decode(chunk):
                self._body += piece
        except Exception:  # noqa: BLE001 - our fault is never the application's error
            self._body = None
            return
        if len(self._body) > MAX_BYTES:
            self._body = None

    def ended(self, stop: Stop) -> None:
        self._watch.ended(stop)
        if stop is not Stop.READ or self._body is None:
            return
        try:
            self._hear(bytes(self._body))
        except Exception:  # noqa: BLE001 - our fault is never the application's error
            self._body = None
