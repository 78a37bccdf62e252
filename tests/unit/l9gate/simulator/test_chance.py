"""Chance that repeats."""

import re
import statistics

from l9gate.simulator.chance import digest, normal, opaque_id


def test_the_same_parts_give_the_same_number() -> None:
    assert digest(1, "a") == digest(1, "a")
    assert digest(1, "a") != digest(1, "b")


def test_draws_are_normal() -> None:
    draws = [normal("seed", number) for number in range(2_000)]
    assert abs(statistics.fmean(draws)) < 0.1
    assert 0.9 < statistics.stdev(draws) < 1.1


def test_ids_are_unique_and_in_the_form_of_the_api() -> None:
    ids = {opaque_id("req", 0, number) for number in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"req_01[0-9a-f]{22}", item) for item in ids)
