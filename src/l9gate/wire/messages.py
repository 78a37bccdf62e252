"""Request, response, content block and usage of the Messages API."""

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one exchange, as the API counts them: cumulative at its end.

    The total input is the sum of `input_tokens` and the two cache counts.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
