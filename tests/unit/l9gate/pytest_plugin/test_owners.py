from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.evidence.records import Layer
from l9gate.observe.attribution import Owner, current_owner, owned_by
from l9gate.pytest_plugin.owners import FixtureOwners

MakeItem = Callable[..., pytest.Item]
Fixture = pytest.FixtureDef[object]


class FakeFixture:
    """A fixture definition; compared by identity, as pytest's are."""

    def __init__(self, argname: str, scope: str = "session") -> None:
        self.argname = argname
        self.scope = scope
        self.baseid = "tests"


def fixture(argname: str, scope: str = "session") -> Fixture:
    return cast("Fixture", FakeFixture(argname, scope))


def using(make_item: MakeItem, *fixtures: Fixture) -> pytest.Item:
    by_name = {found.argname: found for found in fixtures}
    return make_item(_request=SimpleNamespace(_fixture_defs=by_name))


def set_up(owners: FixtureOwners, found: Fixture) -> str:
    with owners.setting_up(found):
        owner = current_owner()
    assert owner is not None
    return owner.id


def test_a_shared_fixture_owns_what_happens_in_its_set_up(make_item: MakeItem) -> None:
    owners, client = FixtureOwners("gw1"), fixture("client")
    with owned_by(Owner("test_a", Layer.CONTRACT)), owners.setting_up(client):
        assert current_owner() == Owner("fixture:tests::client#gw1.1", Layer.CONTRACT)
    assert owners.of(using(make_item, client)) == {"fixture:tests::client#gw1.1"}
    assert owners.of(make_item()) == set()


def test_a_declared_fixture_counts_like_one_asked_for_by_name(make_item: MakeItem) -> None:
    owners, client = FixtureOwners("main"), fixture("client")
    owner = set_up(owners, client)
    declared = SimpleNamespace(name2fixturedefs={"client": (client,)})
    assert owners.of(make_item(_fixtureinfo=declared)) == {owner}


def test_a_fixture_for_one_test_is_that_tests_work(make_item: MakeItem) -> None:
    owners, own = FixtureOwners("main"), fixture("own", "function")
    with owned_by(Owner("test_a", None)):
        assert set_up(owners, own) == "test_a"
    assert owners.of(using(make_item, own)) == set()


def test_each_instance_has_an_owner_of_its_own(make_item: MakeItem) -> None:
    owners, client = FixtureOwners("main"), fixture("client", "module")
    first = set_up(owners, client)
    owners.forget(client)
    assert owners.of(using(make_item, client)) == set()
    second = set_up(owners, client)
    assert first != second
    assert owners.of(using(make_item, client)) == {second}


def test_what_a_fixture_asked_for_belongs_to_its_tests_too(make_item: MakeItem) -> None:
    owners = FixtureOwners("main")
    outer, middle, inner = fixture("outer"), fixture("middle"), fixture("inner")
    with owners.setting_up(outer), owners.setting_up(middle):
        set_up(owners, inner)
    assert len(owners.of(using(make_item, outer))) == 3
    assert len(owners.of(using(make_item, middle))) == 2
    assert len(owners.of(using(make_item, inner))) == 1


def test_a_set_up_that_fails_leaves_no_owner_behind() -> None:
    owners, before = FixtureOwners("main"), current_owner()
    with pytest.raises(OSError, match="broken"), owners.setting_up(fixture("client")):
        raise OSError("broken")
    assert current_owner() == before
