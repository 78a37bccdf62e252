import pytest

from l9gate.errors import MissingKeyError, SettingsError
from l9gate.store.environments import (
    DeclaredEnvironment,
    Environment,
    Quota,
    check_environment,
    environment_name,
    resolve,
)


def built_in(name: str) -> Environment:
    return resolve(name, DeclaredEnvironment())


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("development", "ANTHROPIC_API_KEY"),
        ("staging", "STAGING_API_KEY"),
        ("production", "PROD_API_KEY"),
    ],
)
def test_three_environments_need_no_declaration(name: str, variable: str) -> None:
    """V-01 … V-04."""
    environment = built_in(name)
    assert (environment.kind, environment.key_variable) == (name, variable)
    assert environment.url({}) == "https://api.anthropic.com"
    assert environment.request_id_header == "request-id"


def test_declared_fields_stand_over_the_built_in_ones() -> None:
    declared = DeclaredEnvironment(
        base_url="https://gateway.example/v/", quota=Quota(requests_per_minute=50), budget_usd=5.0
    )
    staging = resolve("staging", declared)
    assert staging.key_variable == "STAGING_API_KEY"
    assert staging.base_url == "https://gateway.example/v"
    assert (staging.quota.requests_per_minute, staging.budget_usd) == (50, 5.0)


def test_environment_of_another_name_is_one_where_no_mock_is_possible() -> None:
    """P-05."""
    assert resolve("qa", DeclaredEnvironment()).kind == "staging"


def test_declared_url_counts_before_the_variable() -> None:
    environ = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8080/"}
    declared = resolve("staging", DeclaredEnvironment(base_url="https://gateway.example"))
    assert declared.url(environ) == "https://gateway.example"
    assert built_in("staging").url(environ) == "http://127.0.0.1:8080"
    assert built_in("staging").url({"ANTHROPIC_BASE_URL": " "}) == "https://api.anthropic.com"


def test_variable_that_is_no_url_is_refused() -> None:
    with pytest.raises(SettingsError, match="ANTHROPIC_BASE_URL: expected an http or https URL"):
        built_in("staging").url({"ANTHROPIC_BASE_URL": "localhost"})


def test_own_variable_counts_before_the_common_one() -> None:
    environ = {"STAGING_API_KEY": " own ", "ANTHROPIC_API_KEY": "common"}
    assert built_in("staging").key(environ) == "own"
    assert built_in("staging").key({"ANTHROPIC_API_KEY": "common"}) == "common"


def test_the_variable_that_the_key_came_from_is_named() -> None:
    staging = built_in("staging")
    both = {"STAGING_API_KEY": "sk-s", "ANTHROPIC_API_KEY": "sk-a"}
    assert staging.key_source(both) == "STAGING_API_KEY"
    assert staging.key_source(both | {"STAGING_API_KEY": " "}) == "ANTHROPIC_API_KEY"


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_no_key_names_both_variables_and_says_nothing_was_tested(value: str | None) -> None:
    """P-04, R-09, V-02, V-03."""
    environ = {} if value is None else {"STAGING_API_KEY": value, "ANTHROPIC_API_KEY": value}
    with pytest.raises(MissingKeyError, match="nothing was tested") as caught:
        built_in("staging").key(environ)
    assert "`STAGING_API_KEY`" in str(caught.value)
    assert "`ANTHROPIC_API_KEY`" in str(caught.value)
    assert "--rehearse" in (caught.value.hint or "")


def test_no_key_in_development_names_the_one_variable() -> None:
    """V-01."""
    with pytest.raises(MissingKeyError, match="`ANTHROPIC_API_KEY` is not set or empty; nothing"):
        built_in("development").key({})


@pytest.mark.parametrize(
    ("environ", "option", "expected"),
    [
        ({}, None, "development"),
        ({"L9GATE_ENV": " "}, None, "development"),
        ({"L9GATE_ENV": "staging"}, None, "staging"),
        ({"L9GATE_ENV": "staging"}, "production", "production"),
    ],
)
def test_option_counts_before_the_variable(
    environ: dict[str, str], option: str | None, expected: str
) -> None:
    assert environment_name(environ, option) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://user:word@host", "must not hold credentials"),
        ("ftp://host", "expected an http or https URL"),
        ("https://", "expected an http or https URL"),
        ("https://host?x=1", "expected an http or https URL"),
        ("https://host#x", "expected an http or https URL"),
        ("https://host:99999", "malformed"),
        ("https://host:0", "expected an http or https URL"),
    ],
)
def test_url_that_cannot_be_meant_is_refused(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"here.base_url: .*{message}") as caught:
        check_environment(DeclaredEnvironment(base_url=url), "here")
    assert "word" not in str(caught.value)


def test_key_in_the_place_of_a_variables_name_is_not_shown() -> None:
    with pytest.raises(SettingsError, match="expected the name") as caught:
        check_environment(DeclaredEnvironment(key_variable="sk-ant-planted"), "here")
    assert "planted" not in str(caught.value) + str(caught.value.hint)


def test_declaration_that_can_be_meant_is_accepted() -> None:
    declared = DeclaredEnvironment(base_url="http://127.0.0.1:1/v1", key_variable="QA_KEY")
    check_environment(declared, "here")
    check_environment(DeclaredEnvironment(), "here")
    assert resolve("qa", declared).key({"QA_KEY": "k"}) == "k"
