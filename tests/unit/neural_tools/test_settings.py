import pytest

from neural_tools.errors import ConfigurationError
from neural_tools.settings import DEFAULT_BASE_URL, Effort, Mode, Settings, Thinking


def read(**environ: str) -> Settings:
    return Settings.from_environment(environ)


@pytest.mark.parametrize("key", [None, "", "  ", "\n"])
def test_explicit_development_without_a_key_is_mock(key: str | None) -> None:
    """V-01, C-04."""
    environ = {"L9GATE_ENV": "development"}
    if key is not None:
        environ["ANTHROPIC_API_KEY"] = key
    assert Settings.from_environment(environ).mode is Mode.MOCK


@pytest.mark.parametrize("key", [None, "", " "])
def test_an_unset_environment_without_a_key_raises(key: str | None) -> None:
    """C-04: it is also what a broken production container looks like."""
    environ = {} if key is None else {"ANTHROPIC_API_KEY": key}
    with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY") as caught:
        Settings.from_environment(environ)
    assert "L9GATE_ENV" in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "own"), [("staging", "STAGING_API_KEY"), ("production", "PROD_API_KEY")]
)
def test_staging_and_production_without_a_key_raise_and_name_both_variables(
    environment: str, own: str
) -> None:
    """V-02, V-03, P-04: mock is impossible there."""
    with pytest.raises(ConfigurationError, match=own) as caught:
        read(L9GATE_ENV=environment, ANTHROPIC_API_KEY=" ")
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    with pytest.raises(ConfigurationError):
        Settings(api_key="", environment=environment)


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"ANTHROPIC_API_KEY": "a"}, "a"),
        ({"ANTHROPIC_API_KEY": " a\n", "L9GATE_ENV": "development"}, "a"),
        ({"ANTHROPIC_API_KEY": "a", "STAGING_API_KEY": "s", "L9GATE_ENV": "staging"}, "s"),
        ({"ANTHROPIC_API_KEY": "a", "STAGING_API_KEY": " ", "L9GATE_ENV": "staging"}, "a"),
        ({"PROD_API_KEY": "p", "L9GATE_ENV": "production"}, "p"),
        ({"ANTHROPIC_API_KEY": "a", "PROD_API_KEY": "p", "STAGING_API_KEY": "s"}, "a"),
    ],
)
def test_the_key_is_the_environments_own_or_the_general_one(
    environ: dict[str, str], key: str
) -> None:
    """V-02, V-03, V-04."""
    settings = Settings.from_environment(environ)
    assert settings.api_key == key
    assert settings.mode is Mode.REAL


def test_the_key_of_another_environment_is_never_used() -> None:
    """V-02."""
    with pytest.raises(ConfigurationError):
        read(L9GATE_ENV="staging", PROD_API_KEY="p")


def test_the_key_shows_in_no_text() -> None:
    """C-16."""
    settings = Settings(api_key="sk-secret-1")
    assert "sk-secret-1" not in repr(settings)
    with pytest.raises(ConfigurationError) as caught:
        Settings(api_key="sk-secret-1\nsk-secret-2")
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["a b", "a\nb", "„a“", "a\x00"])
def test_a_key_that_no_header_can_carry_is_refused_at_once(key: str) -> None:
    with pytest.raises(ConfigurationError, match="characters"):
        Settings(api_key=key)


def test_an_unknown_environment_raises() -> None:
    with pytest.raises(ConfigurationError, match="prod"):
        read(L9GATE_ENV="prod", ANTHROPIC_API_KEY="a")


def test_defaults_are_those_of_the_design() -> None:
    settings = read(ANTHROPIC_API_KEY="a", ANTHROPIC_BASE_URL=" ")
    assert settings.model == "claude-haiku-5-5"
    assert settings.base_url == DEFAULT_BASE_URL
    assert (settings.thinking, settings.effort) == (Thinking.DISABLED, Effort.LOW)
    assert (settings.deadline_s, settings.candidates, settings.strict) == (1.8, 20, False)


def test_variables_set_everything() -> None:
    settings = read(
        ANTHROPIC_API_KEY="a",
        ANTHROPIC_BASE_URL="http://127.0.0.1:9",
        NEURAL_TOOLS_MODEL="m",
        NEURAL_TOOLS_THINKING="Adaptive",
        NEURAL_TOOLS_EFFORT="high",
        NEURAL_TOOLS_DEADLINE_S="0.5",
        NEURAL_TOOLS_ATTEMPTS="1",
        NEURAL_TOOLS_CANDIDATES="5",
        NEURAL_TOOLS_CACHE_TTL_S="0",
        NEURAL_TOOLS_STRICT="true",
        NEURAL_TOOLS_STREAM="1",
    )
    assert settings == Settings(
        api_key="a",
        base_url="http://127.0.0.1:9",
        model="m",
        thinking=Thinking.ADAPTIVE,
        effort=Effort.HIGH,
        deadline_s=0.5,
        attempts=1,
        candidates=5,
        cache_ttl_s=0.0,
        strict=True,
        stream=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEURAL_TOOLS_THINKING", "enabled"),
        ("NEURAL_TOOLS_EFFORT", "most"),
        ("NEURAL_TOOLS_DEADLINE_S", "fast"),
        ("NEURAL_TOOLS_DEADLINE_S", "0"),
        ("NEURAL_TOOLS_DEADLINE_S", "nan"),
        ("NEURAL_TOOLS_ATTEMPTS", "2.5"),
        ("NEURAL_TOOLS_ATTEMPTS", "0"),
        ("NEURAL_TOOLS_CANDIDATES", "101"),
        ("NEURAL_TOOLS_CACHE_TTL_S", "-1"),
        ("NEURAL_TOOLS_CACHE_TTL_S", "inf"),
        ("NEURAL_TOOLS_STRICT", "maybe"),
        ("ANTHROPIC_BASE_URL", "api.anthropic.com"),
        ("ANTHROPIC_BASE_URL", "http://"),
        ("ANTHROPIC_BASE_URL", "http://host:port"),
    ],
)
def test_a_value_that_cannot_be_meant_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({"ANTHROPIC_API_KEY": "a", name: value})
    assert name in f"{caught.value} {caught.value.hint}"


def test_an_empty_model_raises() -> None:
    with pytest.raises(ConfigurationError, match="model"):
        Settings(api_key="a", model=" ")


def test_credentials_in_a_base_url_show_in_no_message() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(api_key="a", base_url="ftp://user:secret@host")
    assert "secret" not in str(caught.value)
