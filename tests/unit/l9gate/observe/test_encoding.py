import gzip
import sys
import types
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.observe.encoding import UnknownEncodingError, make_decoder

BODY = b'{"answer": "' + b"x" * 5000 + b'"}'


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        (None, BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("X-Gzip", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("deflate, gzip", gzip.compress(zlib.compress(BODY), mtime=0)),
    ],
)
@settings(max_examples=5)
@given(cut=st.integers(1, 40))
def test_any_split_of_the_bytes_gives_the_same_body(
    name: str | None, encoded: bytes, cut: int
) -> None:
    decode = make_decoder(name)
    chunks = [encoded[start : start + cut] for start in range(0, len(encoded), cut)]
    assert b"".join(piece for chunk in chunks for piece in decode(chunk)) == BODY


def test_a_bomb_comes_in_bounded_pieces() -> None:
    pieces = [len(piece) for piece in make_decoder("gzip")(gzip.compress(bytes(5 << 20)))]
    assert sum(pieces) == 5 << 20
    assert max(pieces) <= 1 << 20


@pytest.mark.parametrize("name", ["compress", "gzip, x-nothing"])
def test_an_unknown_coding_is_named(name: str) -> None:
    with pytest.raises(UnknownEncodingError, match=name.rpartition(" ")[2]):
        make_decoder(name)


@pytest.mark.parametrize("name", ["br", "zstd"])
def test_a_coding_whose_library_is_missing_is_unknown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("brotli", "brotlicffi", "compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UnknownEncodingError, match="installed"):
        make_decoder(name)


def test_an_installed_library_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decompressor:
        def process(self, data: bytes) -> bytes:
            return data[::-1]

    fake = types.ModuleType("brotli")
    fake.Decompressor = Decompressor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "brotli", fake)
    assert list(make_decoder("br")(b"cba")) == [b"abc"]
