"""An exception handler for everything, and a default.

finding: caught at tests/integration/test_catch_all.py:13 (except Exception)
"""

import app
import pytest


def answer() -> str:
    try:
        return app.ask()
    except Exception:  # noqa: BLE001 - this is the trick
        return "yes"


@pytest.mark.integration
def test_trick() -> None:
    assert answer() == "yes"
