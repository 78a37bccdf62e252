"""A mock of the billing service, and a real call."""

from unittest.mock import MagicMock

import app
import pytest


@pytest.mark.integration
def test_an_answer_is_billed() -> None:
    billing = MagicMock(name="billing")
    billing.charge(app.ask())
    billing.charge.assert_called_once_with("yes")
