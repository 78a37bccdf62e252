"""A test of the fallback, which says so."""

import app
import pytest


@pytest.mark.integration
@pytest.mark.expects_fallback
def test_the_given_order_is_the_fallback() -> None:
    assert app.rank(["a", "b"], "Reply exactly: nothing of use") == ["a", "b"]
