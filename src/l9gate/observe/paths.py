"""Which requests are calls of the Messages API, by their path alone.

The API's own paths may have a prefix, of a gateway. Amazon Bedrock and Google Cloud have paths of
their own, which name the model that the body does not.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_DIRECT = re.compile(r"(?:^|/)v1/(?:messages|models)(?:/|$)")
_DIRECT_JSON = re.compile(r"/v1/(?:messages(?:/count_tokens)?|models(?:/[^/]+)?)$")
# An inference profile has an opaque name; models of other makers are none of ours.
_BEDROCK = re.compile(
    r"(?:^|/)model/((?:arn:|[^/]*anthropic)[^?]*)/invoke(-with-response-stream)?$"
)
_GOOGLE = re.compile(r"(?:^|/)publishers/anthropic/models/([^/]+):(rawPredict|streamRawPredict)$")
_COUNT_TOKENS = "count-tokens"


@dataclass(frozen=True, slots=True)
class ApiPath:
    """What the path of a call says."""

    expects_json: bool = False  # or, if it asks for one, an event stream
    model: str | None = None  # where the path names it
    stream: bool = False  # True if the path asks for a stream
    is_bedrock: bool = False
    is_direct: bool = False  # one of the API's own paths, maybe behind a prefix


@lru_cache(maxsize=1024)  # a process asks for a few paths, again and again
def read_path(path: str) -> ApiPath | None:
    """Return what a path says of a call, None if it is none of the Messages API.

    Args:
        path: decoded, without the query.
    """
    if _DIRECT.search(path):
        return ApiPath(expects_json=bool(_DIRECT_JSON.search(path)), is_direct=True)
    found = _BEDROCK.search(path)
    if found is not None:
        return ApiPath(True, found[1], stream=found[2] is not None, is_bedrock=True)
    found = _GOOGLE.search(path)
    if found is None:
        return None
    model = None if found[1] == _COUNT_TOKENS else found[1]
    return ApiPath(True, model, stream=found[2] == "streamRawPredict")
