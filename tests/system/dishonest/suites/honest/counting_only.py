"""Routes that answer with no message."""

import app
import pytest


@pytest.mark.integration
def test_tokens_are_counted() -> None:
    with app.client() as api:
        count = api.messages.count_tokens(
            model=app.MODEL, messages=[{"role": "user", "content": "How many?"}]
        )
    assert count.input_tokens > 0


@pytest.mark.integration
@pytest.mark.parametrize("model", [app.MODEL])
def test_the_model_is_listed(model: str) -> None:
    with app.client() as api:
        assert api.models.retrieve(model).id == model
