"""A load as a Kubernetes Indexed Job."""

import jsonschema
import msgspec
import pytest

from l9gate.drive.order import LoadOrder
from l9gate.errors import PlanError
from l9gate.evidence.load import Entry
from l9gate.sources.load.kubernetes import Pods, job_of, render_yaml
from l9gate.wire.json import JsonObject

ORDER = LoadOrder(
    base_url="https://api.example.com", rate="poisson 50/s", duration_s=60.0, seed=3, model="m"
)
WORDS = ("--rate", "poisson 50/s", "--duration", "60s", "--seed", "3")
# What the API server asks of a Job of batch/v1, as far as it is used here.
SCHEMA: JsonObject = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "batch/v1"},
        "kind": {"const": "Job"},
        "metadata": {
            "required": ["name"],
            "properties": {"name": {"pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}},
        },
        "spec": {
            "required": ["template"],
            "additionalProperties": False,
            "properties": {
                "completionMode": {"enum": ["NonIndexed", "Indexed"]},
                "completions": {"type": "integer", "minimum": 1},
                "parallelism": {"type": "integer", "minimum": 0},
                "backoffLimitPerIndex": {"type": "integer", "minimum": 0},
                "maxFailedIndexes": {"type": "integer", "minimum": 0},
                "activeDeadlineSeconds": {"type": "integer", "minimum": 1},
                "template": {
                    "required": ["spec"],
                    "properties": {
                        "spec": {
                            "required": ["containers", "restartPolicy"],
                            "properties": {
                                "restartPolicy": {"enum": ["Never", "OnFailure"]},
                                "containers": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "required": ["name", "image"],
                                        "properties": {
                                            "args": {"items": {"type": "string"}},
                                            "command": {"items": {"type": "string"}},
                                            "env": {"items": {"required": ["name", "valueFrom"]}},
                                            "volumeMounts": {
                                                "items": {"required": ["name", "mountPath"]}
                                            },
                                        },
                                    },
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}


def test_a_job_is_what_the_api_server_takes() -> None:
    job = job_of(ORDER, WORDS, Pods(image="registry.example.com/shop:1"), 4)
    jsonschema.validate(job, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**job, "spec": {"completions": "4"}}, SCHEMA)


def test_every_pod_has_a_shard_of_its_own_and_none_is_started_twice() -> None:
    text = render_yaml(job_of(ORDER, WORDS, Pods(image="i"), 4))
    for line in (
        '  completionMode: "Indexed"',
        "  completions: 4",
        "  parallelism: 4",
        "  backoffLimitPerIndex: 0",
        "  maxFailedIndexes: 4",
        "  activeDeadlineSeconds: 720",
        '            - "$(SHARD)/4"',
    ):
        assert line in text.splitlines()


def test_the_key_is_a_reference_to_a_secret() -> None:
    text = render_yaml(job_of(ORDER, WORDS, Pods(image="i", secret="shop-key"), 2))
    assert "                secretKeyRef:\n" in text
    assert '                  name: "shop-key"\n' in text
    assert '                  key: "ANTHROPIC_API_KEY"\n' in text
    assert "sk-" not in text
    assert " value: " not in text  # no variable is given inline


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"rate": "closed 8"}, "nobody would miss"), ({"entry": Entry.APP}, "pods send bytes")],
)
def test_what_pods_cannot_do_is_refused(changed: dict[str, str], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        job_of(msgspec.structs.replace(ORDER, **changed), WORDS, Pods(image="i"), 2)


def test_yaml_keeps_the_shape_of_nested_lists() -> None:
    value: JsonObject = {"a": [], "b": [{"c": 1, "d": ["x: y", True]}, ["z"]], "e": {}, "f": None}
    assert render_yaml(value) == (
        'a: []\nb:\n  - c: 1\n    d:\n      - "x: y"\n      - true\n  - - "z"\ne: {}\nf: null\n'
    )
