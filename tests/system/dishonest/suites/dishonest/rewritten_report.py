"""A hook of conftest.py that turns failures into passes.

finding: failed, and was turned into a pass: AssertionError at
"""

import app
import pytest


@pytest.mark.integration
def test_trick_is_green() -> None:
    assert app.ask() == "something else"
