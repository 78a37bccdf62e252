"""Images within a request: how many, how large, how wide."""

import base64

import pytest

from l9gate.simulator.image_rules import MAX_BASE64_BYTES, check_images, sides_of
from l9gate.simulator.refusal import Refusal
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import find_model

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08"


def png(width: int, height: int) -> str:
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return base64.b64encode(PNG + sides).decode()


def image(data: str | None = None, **more: Json) -> JsonObject:
    source: JsonObject = {"type": "url", "url": "x"}
    if data is not None:
        source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"type": "image", "source": source, **more}


def check(*blocks: Json, model: str = "claude-haiku-5-5") -> Refusal | None:
    facts = find_model(model)
    assert facts is not None
    messages: list[JsonObject] = [{"role": "user", "content": list(blocks)}]
    return next(check_images(messages, facts), None)


@pytest.mark.parametrize(("model", "most"), [("claude-haiku-4-5", 100), ("claude-haiku-5-5", 600)])
def test_a_request_holds_so_many_images(model: str, most: int) -> None:
    assert check(*[image()] * most, model=model) is None
    refusal = check(*[image()] * (most + 1), model=model)
    assert refusal is not None
    assert "too many images" in refusal.message


def test_an_image_is_as_wide_as_allowed() -> None:
    assert check(image(png(8000, 8000))) is None
    refusal = check({"type": "text", "text": "x"}, image(png(100, 8001)), image(png(9000, 1)))
    assert refusal is not None
    assert refusal.code == "image_dimensions_too_large"
    assert refusal.details == {
        "max_side_length_pixels": 8000,
        "paths": ["messages.0.content.1", "messages.0.content.2"],
    }


def test_an_image_that_is_made_smaller_may_be_wide() -> None:
    wide = image(png(9000, 9000), transformations={"oversized_image": "downsize"})
    assert check(wide) is None
    assert check(image(png(9000, 9000), transformations={"oversized_image": "error"})) is not None


def test_a_result_holds_images_too() -> None:
    result: JsonObject = {"type": "tool_result", "tool_use_id": "a", "content": [image("A")]}
    refusal = check(result)
    assert refusal is not None
    assert refusal.message == (
        "messages.0.content.0.tool_result.content.0.image.source.base64.data: "
        "Input should be valid base64"
    )


@pytest.mark.parametrize("data", ["A", "AA=A", "ä", "****", "DE"])
def test_what_is_no_base64_is_refused(data: str) -> None:
    refusal = check(image(data))
    assert refusal is not None
    assert "messages.0.content.0.image.source.base64.data" in refusal.message


def test_what_is_no_base64_has_no_sides() -> None:
    facts = find_model("claude-haiku-5-5")
    assert facts is not None
    found = list(check_images([{"role": "user", "content": [image("ä" * 4)]}], facts))
    assert [refusal.code for refusal in found] == [None]


def test_base64_may_be_wrapped() -> None:
    assert check(image("AA\nAA\r\n")) is None


def test_an_image_is_as_large_as_allowed() -> None:
    assert check(image("A" * MAX_BASE64_BYTES)) is None
    refusal = check(image("A" * (MAX_BASE64_BYTES + 4)))
    assert refusal is not None
    assert "image exceeds 10 MB" in refusal.message


@pytest.mark.parametrize(
    ("data", "sides"),
    [
        (PNG + b"\x00\x00\x00\x02\x00\x00\x01\x00", (2, 256)),
        (b"GIF89a\x02\x00\x00\x01", (2, 256)),
        (JPEG + b"\x01\x00\x00\x02", (2, 256)),
        (JPEG[:-3], None),
        (b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + b"\x01\x00\x00\xff\x00\x00", (2, 256)),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_sides(data: bytes, sides: tuple[int, int] | None) -> None:
    assert sides_of(data) == sides
