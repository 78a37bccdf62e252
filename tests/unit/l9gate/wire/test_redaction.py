"""Keys in texts of others: design §2.9."""

from l9gate.wire.json import Json
from l9gate.wire.redaction import Redactor


def test_known_secrets_and_the_form_of_a_key_are_taken_out() -> None:
    redactor = Redactor.of_environ(
        {"ANTHROPIC_API_KEY": "team-secret-1 ", "MINE": "my.other+secret", "HOME": "/home/me"},
        ["MINE", "ABSENT"],
    )
    text = "team-secret-1 and my.other+secret and sk-ant-api03-abcdefgh, not /home/me or sk-ant"
    assert redactor.redact(text) == (
        "[redacted] and [redacted] and [redacted], not /home/me or sk-ant"
    )


def test_a_secret_inside_of_a_longer_one_leaves_nothing_behind() -> None:
    assert Redactor(["abcdefgh", "abcdefgh-ijkl"]).redact("x abcdefgh-ijkl") == "x [redacted]"


def test_what_is_too_short_for_a_key_garbles_nothing() -> None:
    assert Redactor(["", "test"]).redact("a test") == "a test"


def test_every_text_of_a_value_is_looked_at() -> None:
    redactor = Redactor(["team-secret-1"])
    value: Json = {"team-secret-1": ["x team-secret-1", 3, None], "b": {"c": "sk-ant-abcdefgh"}}
    assert redactor.redact_all(value) == {
        "[redacted]": ["x [redacted]", 3, None],
        "b": {"c": "[redacted]"},
    }


def test_data_without_a_sign_of_a_secret_is_passed_by() -> None:
    redactor = Redactor(["team-secret-1"])
    assert redactor.may_be_in(b"\x81\xa1team-secret-1")
    assert redactor.may_be_in(b"\xa9sk-ant-a")
    assert not redactor.may_be_in(b"team-secret-2")
