import pytest

from l9gate.cli.load import parse_time_s
from l9gate.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("90", 90), ("5min", 300), ("5m", 300), ("1h", 3600), (" 0.5 s ", 0.5)],
)
def test_a_time_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert parse_time_s(text, "--duration") == seconds


@pytest.mark.parametrize("text", ["", "soon", "5ms", "-3s", "1d", "1h30m"])
def test_what_is_no_time_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(UsageError, match="--timeout: ") as caught:
        parse_time_s(text, "--timeout")
    assert caught.value.hint == "write `90s`, `5min` or `1h`"
