"""A test of overload that never sees one.

finding: the error that it expects never came: overloaded_error
"""

import app
import pytest


@pytest.mark.integration
@pytest.mark.expects_error("overloaded_error")
def test_trick() -> None:
    assert app.ask() is not None
