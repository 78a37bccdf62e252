"""Rules for images and documents sent within a request: how many, how large, how wide.

The stricter limit on the sides of images beyond 20 of them is not known, so it is not played.
"""

import binascii
from collections.abc import Iterator

import msgspec

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts

MAX_SIDE_PIXELS = 8000
MAX_BASE64_BYTES = 10 * 1024 * 1024
_MAX_IMAGES, _MAX_IMAGES_OF_SMALL = 600, 100
_SMALL_CONTEXT = 200_000
_HEAD_CHARACTERS = 64 * 1024  # enough to find the size of a JPEG behind its metadata


class _File(msgspec.Struct, frozen=True):
    """A block with a source, and where it stands."""

    path: str
    block: JsonObject
    source: JsonObject


def check_images(messages: list[JsonObject], facts: ModelFacts) -> Iterator[Refusal]:
    """Yield what is wrong with the files of messages whose form is right."""
    files = list(_files(messages))
    if not files:
        return
    images = [file for file in files if file.block["type"] == "image"]
    is_small = (facts.max_input_tokens or _SMALL_CONTEXT + 1) <= _SMALL_CONTEXT
    most = _MAX_IMAGES_OF_SMALL if is_small else _MAX_IMAGES
    if len(images) > most:
        yield invalid(f"messages: too many images: {len(images)} > {most} allowed in a request")
    for file in files:
        if file.source["type"] == "base64":
            yield from _check_data(file)
    wide = [file.path for file in images if _is_too_wide(file)]
    if wide:
        paths: list[Json] = list(wide)
        yield invalid(
            f"{wide[0]}.image.source.base64.data: at least one of the image dimensions exceeds "
            f"the maximum of {MAX_SIDE_PIXELS} pixels",
            "image_dimensions_too_large",
            {"max_side_length_pixels": MAX_SIDE_PIXELS, "paths": paths},
        )


def _files(messages: list[JsonObject]) -> Iterator[_File]:
    for index, message in enumerate(messages):
        for place, block in enumerate(blocks_of(message)):
            path = f"messages.{index}.content.{place}"
            yield from _file(path, block)
            if block["type"] == "tool_result":
                for number, item in enumerate(objects_of(block.get("content"))):
                    yield from _file(f"{path}.tool_result.content.{number}", item)


def _file(path: str, block: JsonObject) -> Iterator[_File]:
    source = block.get("source")
    if block.get("type") in {"image", "document"} and isinstance(source, dict):
        yield _File(path, block, source)


def _check_data(file: _File) -> Iterator[Refusal]:
    path = f"{file.path}.{file.block['type']}.source.base64.data"
    data = str(file.source["data"])
    if file.block["type"] == "image" and len(data) > MAX_BASE64_BYTES:
        yield invalid(
            f"{path}: image exceeds 10 MB maximum: {len(data)} bytes > {MAX_BASE64_BYTES} bytes"
        )
    try:
        binascii.a2b_base64("".join(data.split()), strict_mode=True)
    except (binascii.Error, ValueError):  # ValueError: not even ASCII
        yield invalid(f"{path}: Input should be valid base64")


def _is_too_wide(file: _File) -> bool:
    changes = file.block.get("transformations")
    if isinstance(changes, dict) and changes.get("oversized_image") == "downsize":
        return False
    if file.source["type"] != "base64":
        return False
    head = "".join(str(file.source["data"])[:_HEAD_CHARACTERS].split())
    try:
        sides = sides_of(binascii.a2b_base64(head[: len(head) // 4 * 4]))
    except (binascii.Error, ValueError):
        return False
    return sides is not None and max(sides) > MAX_SIDE_PIXELS


def sides_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels, as far as the first bytes of an image tell."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data[:6] in {b"GIF87a", b"GIF89a"} and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if data.startswith(b"\xff\xd8"):
        return _jpeg_sides(data)
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    return None


def _jpeg_sides(data: bytes) -> tuple[int, int] | None:
    """Walk over the segments to the one that begins a frame."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(width), int.from_bytes(height)
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    return None
