"""Chance that repeats."""

import re

from l9gate.simulator.chance import digest, numbered_id, opaque_id


def test_the_same_parts_give_the_same_number() -> None:
    assert digest(1, "a") == digest(1, "a")
    assert digest(1, "a") != digest(1, "b")


def test_ids_are_unique_and_in_the_form_of_the_api() -> None:
    ids = {opaque_id("req", 0, number) for number in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"req_01[0-9a-f]{22}", item) for item in ids)


def test_numbered_ids_are_unique_and_differ_by_all_their_parts() -> None:
    ids = {numbered_id("req", 0, number) for number in range(2_000)}
    ids |= {numbered_id("msg", 0, 0), numbered_id("req", 1, 0), numbered_id("req", 0, 0, 1)}
    assert len(ids) == 2_003
    assert all(re.fullmatch(r"[a-z]{3}_01[0-9a-f]{22}", item) for item in ids)
    assert numbered_id("req", 0, 7) == numbered_id("req", 0, 7)
