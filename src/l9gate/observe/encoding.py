"""Decoding a copy of a body as it arrives; the bytes that the application gets are not touched."""

import importlib
import zlib
from collections.abc import Callable, Iterator

_PIECE_BYTES = 1 << 20  # a small body must not inflate into an unbounded buffer in one call
_Decode = Callable[[bytes], Iterator[bytes]]


class UnknownEncodingError(ValueError):
    """The body has a content encoding that this process cannot decode."""


def make_decoder(content_encoding: str | None) -> _Decode:
    """Return a function that decodes the next chunk of a body into pieces of bounded size.

    Args:
        content_encoding: the response's header; codings are listed in the order of application.

    Raises:
        UnknownEncodingError: a coding is unknown, or its library is not installed. The client
            asks only for codings that it can decode, with the same libraries.
    """
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    decode: _Decode = _pass
    for name in reversed(names):
        if name not in ("", "identity"):
            decode = _chain(decode, _decoder_of(name))
    return decode


def _decoder_of(name: str) -> _Decode:
    if name in ("gzip", "x-gzip"):
        return _inflate(zlib.MAX_WBITS | 16)
    if name == "deflate":
        return _inflate_guessing()
    if name == "br":
        return _whole(_load(("brotli", "brotlicffi"), "Decompressor"), "process")
    if name == "zstd":
        return _whole(_load(("compression.zstd", "backports.zstd"), "ZstdDecompressor"), "")
    raise UnknownEncodingError(f"content encoding `{name[:40]}` is not known")


def _pass(data: bytes) -> Iterator[bytes]:
    yield data


def _chain(first: _Decode, second: _Decode) -> _Decode:
    def decode(data: bytes) -> Iterator[bytes]:
        for piece in first(data):
            yield from second(piece)

    return decode


def _inflate(window_bits: int) -> _Decode:
    inflater = zlib.decompressobj(window_bits)

    def decode(data: bytes) -> Iterator[bytes]:
        while data:
            yield inflater.decompress(data, _PIECE_BYTES)
            data = inflater.unconsumed_tail

    return decode


def _inflate_guessing() -> _Decode:
    """Return a decoder of `deflate`, which some servers send without the zlib header."""
    chosen: list[_Decode] = []

    def decode(data: bytes) -> Iterator[bytes]:
        if not chosen and data:
            # RFC 1950: the method is 8 and the first two bytes are a multiple of 31.
            has_header = data[0] & 0x0F == 8 and (
                len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0
            )
            chosen.append(_inflate(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS))
        for inflate in chosen:
            yield from inflate(data)

    return decode


def _whole(decompressor: object, method: str) -> _Decode:
    decompress = getattr(decompressor, method, None) or getattr(decompressor, "decompress", None)
    if not callable(decompress):
        raise UnknownEncodingError("a decompressor without a known method")

    def decode(data: bytes) -> Iterator[bytes]:
        piece = decompress(data)
        if isinstance(piece, bytes):
            yield piece

    return decode


def _load(modules: tuple[str, ...], name: str) -> object:
    for module in modules:
        try:
            factory: Callable[[], object] = getattr(importlib.import_module(module), name)
        except ImportError:
            continue
        return factory()
    raise UnknownEncodingError(f"none of {', '.join(modules)} is installed")
