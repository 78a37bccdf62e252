"""E-03: calls are known by their path, whatever is before it."""

import pytest

from l9gate.observe.paths import ApiPath, read_path

CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        ("/v1/messages", ApiPath(expects_json=True, is_direct=True)),
        (
            "/anthropic/v1/messages/count_tokens",
            ApiPath(expects_json=True, is_direct=True),
        ),
        ("/v1/messages/batches/b_1/results", ApiPath(is_direct=True)),
        ("/v1/models/m", ApiPath(expects_json=True, is_direct=True)),
        (f"/model/{CLAUDE}/invoke", ApiPath(True, CLAUDE, is_bedrock=True)),
        (f"/model/us.{CLAUDE}/invoke", ApiPath(True, f"us.{CLAUDE}", is_bedrock=True)),
        (
            f"/gateway/model/{PROFILE}/invoke-with-response-stream",
            ApiPath(True, PROFILE, stream=True, is_bedrock=True),
        ),
        ("/v1/projects/p/publishers/anthropic/models/c@1:rawPredict", ApiPath(True, "c@1")),
        ("/publishers/anthropic/models/c:streamRawPredict", ApiPath(True, "c", stream=True)),
        ("/publishers/anthropic/models/count-tokens:rawPredict", ApiPath(True)),
        ("/publishers/google/models/g:rawPredict", None),
        ("/model/amazon.titan/invoke", None),
        ("/v1/chat/completions", None),
        ("/v1/messagesque", None),
    ],
)
def test_a_path_says_whether_it_is_a_call_and_of_which_model(
    path: str, facts: ApiPath | None
) -> None:
    assert read_path(path) == facts
