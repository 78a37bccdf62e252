from pathlib import Path

from l9gate.sources.suite.environ import SuiteTarget, real_environ, unit_environ

SECRETS = ("ANTHROPIC_API_KEY", "STAGING_API_KEY", "PROD_API_KEY")
HELD = {
    "PATH": "/bin",
    "ANTHROPIC_API_KEY": "sk-dev",
    "ANTHROPIC_AUTH_TOKEN": "token",
    "STAGING_API_KEY": "sk-staging",
    "PROD_API_KEY": "sk-prod",
}


def target(*, is_rehearsal: bool) -> SuiteTarget:
    return SuiteTarget(
        environment="staging",
        base_url="https://api.example",
        key="sk-chosen",
        key_variable="STAGING_API_KEY",
        is_rehearsal=is_rehearsal,
    )


def test_a_real_layer_gets_one_key_and_no_other_environments() -> None:
    child = real_environ(HELD, target(is_rehearsal=False), SECRETS, Path("run"))
    assert child["ANTHROPIC_API_KEY"] == child["STAGING_API_KEY"] == "sk-chosen"
    assert "PROD_API_KEY" not in child
    assert "ANTHROPIC_AUTH_TOKEN" not in child
    assert child["ANTHROPIC_BASE_URL"] == "https://api.example"
    assert child["L9GATE_ENV"] == "staging"
    assert child["L9GATE_RUN"] == "run"
    assert "L9GATE_REHEARSAL" not in child


def test_a_rehearsal_says_so_to_its_tests() -> None:
    child = real_environ(HELD, target(is_rehearsal=True), SECRETS, Path("run"))
    assert child["L9GATE_REHEARSAL"] == "1"


def test_the_unit_layer_gets_no_key_at_all() -> None:
    child = unit_environ(HELD, "development", SECRETS, Path("run"))
    assert not {name for name in child if "KEY" in name or "TOKEN" in name}
    assert child["PATH"] == "/bin"


def test_a_target_never_shows_its_key() -> None:
    assert "sk-chosen" not in repr(target(is_rehearsal=False))
