from datetime import date
from pathlib import Path

import jsonschema
import pytest

from l9gate.errors import SettingsError
from l9gate.evidence.records import Layer
from l9gate.store.caps import BudgetSettings
from l9gate.store.relies_on import NOTHING, ReliesOn
from l9gate.store.settings import LayerSettings, Settings, read_settings, settings_schema
from l9gate.wire.prices import Price

FULL = """
[project]
name = "shop"

[tool.l9gate]
policy = "l9gate-policy.toml"
runs = "build/runs"
model = "claude-haiku-5-5"

[tool.l9gate.layers.unit]
paths = ["tests/unit"]

[tool.l9gate.layers.performance]
paths = ["tests/performance"]
marker = "benchmark"
arguments = ["-p", "no:randomly"]

[tool.l9gate.environments.staging]
base_url = "https://gateway.example"
kind = "staging"
quota = { requests_per_minute = 50 }
budget_usd = 5.0
request_id_header = "x-request-id"

[tool.l9gate.budget]
per_run = 2
per_day = 10.5

[tool.l9gate.prices."gateway/*"]
input_usd_per_mtok = 0.5
output_usd_per_mtok = 2
as_of = 2026-11-01
"""


def read(folder: Path, text: str, name: str = "pyproject.toml") -> Settings:
    (folder / name).write_text(text)
    settings = read_settings(folder)
    assert settings is not None
    return settings


def refused(folder: Path, text: str, name: str = "pyproject.toml") -> tuple[str, str]:
    (folder / name).write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_settings(folder)
    assert str(folder / name) in str(caught.value)
    return str(caught.value), caught.value.hint or ""


def test_every_key_is_read(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL)
    assert settings.root == tmp_path
    assert settings.package == "shop"
    assert settings.policy == tmp_path / "l9gate-policy.toml"
    assert settings.runs == tmp_path / "build/runs"
    assert settings.model == "claude-haiku-5-5"
    assert settings.budget == BudgetSettings(per_run=2, per_day=10.5)
    assert settings.ledger == tmp_path / ".l9gate" / "ledger.db"
    assert settings.prices.find("gateway/x") == Price(
        input_usd_per_mtok=0.5, output_usd_per_mtok=2, as_of=date(2026, 11, 1)
    )
    assert settings.layers == {
        Layer.UNIT: LayerSettings(paths=("tests/unit",)),
        Layer.PERFORMANCE: LayerSettings(
            paths=("tests/performance",), marker="benchmark", arguments=("-p", "no:randomly")
        ),
    }
    staging = settings.environment("staging")
    assert (staging.base_url, staging.request_id_header) == (
        "https://gateway.example",
        "x-request-id",
    )


def test_empty_table_has_every_default(tmp_path: Path) -> None:
    settings = read(tmp_path, "[tool.l9gate]\n")
    assert settings.package == tmp_path.name
    assert settings.runs == tmp_path / ".l9gate/runs"
    assert (settings.policy, settings.model, settings.layers) == (None, None, {})


def test_declared_package_counts_before_the_projects_name(tmp_path: Path) -> None:
    text = '[project]\nname = "a"\n[tool.l9gate]\npackage = "b"\n'
    assert read(tmp_path, text).package == "b"


def test_own_file_holds_the_table_itself(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    settings = read(tmp_path, '[layers.unit]\npaths = ["t"]\n', "l9gate.toml")
    assert settings.layers == {Layer.UNIT: LayerSettings(paths=("t",))}
    assert settings.file.name == "l9gate.toml"


def test_settings_are_found_upwards_and_the_nearest_count(tmp_path: Path) -> None:
    read(tmp_path, '[tool.l9gate]\npackage = "outer"\n')
    inner = tmp_path / "apps/inner"
    deep = inner / "src/deep"
    deep.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "l9gate-user"\n')
    outer = read_settings(deep)
    assert outer is not None
    assert outer.package == "outer"
    assert read(inner, 'package = "inner"', "l9gate.toml") == read_settings(deep)


def test_project_that_does_not_speak_of_the_gate_has_no_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert read_settings(tmp_path) is None


def test_broken_file_that_does_not_speak_of_the_gate_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert read_settings(tmp_path / "missing") is None


def test_two_sources_are_refused(tmp_path: Path) -> None:
    (tmp_path / "l9gate.toml").write_text("")
    (tmp_path / "pyproject.toml").write_text("[tool.l9gate]\n")
    with pytest.raises(SettingsError, match="has both") as caught:
        read_settings(tmp_path)
    assert caught.value.hint == "keep one of the two"


def test_syntax_error_names_its_line(tmp_path: Path) -> None:
    message, _ = refused(tmp_path, "[tool.l9gate]\nruns = \n")
    assert "not TOML" in message
    assert "line 2" in message


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l9gate.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("[tool]\nl9gate = 3", "tool.l9gate: Expected a table, got `int`", ""),
        ('[tool.l9gate]\npolcy = "x"', "tool.l9gate.polcy: no such key", "did you mean `policy`?"),
        ("[tool.l9gate]\nruns = 3", "tool.l9gate.runs: Expected `str`", ""),
        ("[tool.l9gate]\nlayers = 3", "tool.l9gate.layers: Expected a table", ""),
        ("[tool.l9gate.layers.unti]", "layers.unti: no such layer", "did you mean `unit`?"),
        ("[tool.l9gate.layers.zzz]", "layers.zzz: no such layer", "unit, integration, perf"),
        ("[tool.l9gate.layers]\nunit = 3", "tool.l9gate.layers.unit: Expected a table", ""),
        ("[tool.l9gate.layers.unit]", "layers.unit: Object missing required field `paths`", ""),
        ("[tool.l9gate.layers.unit]\npaths = 'a'", "layers.unit.paths: Expected a list", ""),
        ("[tool.l9gate.layers.unit]\npaths = []", "layers.unit.paths: Expected a list of", ""),
        ("[tool.l9gate.layers.unit]\npaths = [1]", "layers.unit.paths[0]: Expected `str`", ""),
        ("[tool.l9gate.layers.unit]\nmarkr = 'a'", "unit.markr: no such key", "`marker`?"),
        ("[tool.l9gate.budget]\nper_rum = 1", "budget.per_rum: no such key", "`per_run`?"),
        (
            "[tool.l9gate.prices.m]\ninput_usd_per_mtok = 1",
            "prices.m: Object missing required field `output_usd_per_mtok`",
            "",
        ),
        ("[tool.l9gate]\nbudget = 5", "budget: Expected a table, got `int`", ""),
        ("[tool.l9gate.environments]\nqa = 1", "l9gate.environments.qa: Expected a table", ""),
        (
            "[tool.l9gate.environments.qa]\nurl = 'a'",
            "environments.qa.url: no such key",
            "base_url",
        ),
        ("[tool.l9gate.environments.qa]\nkind = 'x'", "environments.qa.kind", "there are: dev"),
        ("[tool.l9gate.environments.qa]\nbudget_usd = 0", "environments.qa.budget_usd", ""),
        ("[tool.l9gate.environments.qa]\nbase_url = 'x'", "environments.qa.base_url", "write it"),
        (
            "[tool.l9gate.environments.qa.quota]\nrequest_per_minute = 1",
            "tool.l9gate.environments.qa.quota.request_per_minute: no such key",
            "did you mean `requests_per_minute`?",
        ),
    ],
)
def test_error_names_file_key_and_the_word_that_was_meant(
    tmp_path: Path, text: str, place: str, hint: str
) -> None:
    message, found_hint = refused(tmp_path, text)
    assert place in message
    assert hint in found_hint


def test_error_in_the_own_file_has_no_prefix(tmp_path: Path) -> None:
    message, hint = refused(tmp_path, "modle = 3", "l9gate.toml")
    assert message.endswith("l9gate.toml: modle: no such key")
    assert hint == "did you mean `model`?"


def test_unknown_environment_is_refused_with_the_name_that_was_meant(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL)
    with pytest.raises(SettingsError, match="`stagin` is not declared") as caught:
        settings.environment("stagin")
    assert caught.value.hint == "did you mean `staging`?"
    assert settings.environment("production").key_variable == "PROD_API_KEY"


def test_variables_of_every_environment_are_known(tmp_path: Path) -> None:
    settings = read(tmp_path, '[tool.l9gate.environments.qa]\nkey_variable = "QA_KEY"\n')
    assert settings.key_variables() == {
        "ANTHROPIC_API_KEY",
        "STAGING_API_KEY",
        "PROD_API_KEY",
        "QA_KEY",
    }


def test_schema_accepts_what_is_read_and_refuses_what_is_not() -> None:
    schema = settings_schema()
    jsonschema.validate({"runs": "x", "layers": {"unit": {"paths": ["t"]}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"layers": {"unit": {"paths": []}}}, schema)


def test_files_of_the_contract_are_relative_to_the_project(tmp_path: Path) -> None:
    settings = read(tmp_path, '[tool.l9gate.contract]\nbaseline = "api/b.json"\n')
    assert settings.contract_baseline == tmp_path / "api/b.json"
    assert settings.contract_waivers == tmp_path / "l9gate-contract-waivers.toml"
    message, hint = refused(tmp_path, "[tool.l9gate.contract]\nbase = 1\n")
    assert "tool.l9gate.contract.base: no such key" in message
    assert hint == "did you mean `baseline`?"


def test_what_the_application_relies_on_is_declared(tmp_path: Path) -> None:
    table = "[tool.l9gate.contract.relies_on]\n"
    settings = read(tmp_path, table + 'headers = ["x-a"]\nsurvives_unknown = false\n')
    assert settings.relies_on == ReliesOn(headers=("x-a",), survives_unknown=False)
    assert read(tmp_path, "[tool.l9gate.contract]\n").relies_on == NOTHING
    message, hint = refused(tmp_path, table + "header = []\n")
    assert "tool.l9gate.contract.relies_on.header: no such key" in message
    assert hint == "did you mean `headers`?"
    message, _ = refused(tmp_path, table + 'models = [""]\n')
    assert "tool.l9gate.contract.relies_on.models" in message
