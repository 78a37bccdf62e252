"""A load as a Kubernetes Indexed Job: one pod a shard, each with a run folder of its own.

Nothing here talks to a cluster. SQLite needs a disk of its own machine, so a pod writes to one and
copies its run to the shared volume when it is done; `l9gate judge RUN RUN …` puts them together. A
pod that is lost leaves no run: its shard never began, and the whole is unproven.
"""

import msgspec

from l9gate.drive.order import LoadOrder
from l9gate.errors import PlanError
from l9gate.evidence.load import Entry
from l9gate.wire.json import Json, JsonObject

KEY = "ANTHROPIC_API_KEY"
RESULTS = "/results"
_SPARE_S = 600.0  # for images to be pulled, and for calls that take their whole time-out
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
# 0, 1 and 2 are verdicts on a share, which decides nothing; anything else is a failure of the pod.
_SCRIPT = 'l9gate "$@"; status=$?; cp -R {runs}/. {results}/; [ "$status" -le 2 ] || exit "$status"'


class Pods(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster has to offer."""

    image: str  # with l9gate, the project's settings, its policy and its workload
    secret: str = "l9gate"  # noqa: S105  # the name of one, whose entry is the variable's name
    claim: str = "l9gate-runs"  # a volume that all pods may write to
    name: str = "l9gate-load"
    runs: str = ".l9gate/runs"  # where the project keeps them, in the image


def job_of(order: LoadOrder, words: tuple[str, ...], pods: Pods, shards: int) -> JsonObject:
    """Return the Job.

    Args:
        order: the load; `starts_at_s` has to lie so far ahead that all pods run by then.
        words: of `l9gate load` for one pod, but for which shard it is; no key.
        pods: image, secret and volume.
        shards: how many pods.

    Raises:
        PlanError: a pod that is lost would not be missed, or an application would be driven.
    """
    if order.rate.strip().lower().startswith("closed"):
        raise PlanError(
            "a closed loop has no schedule, so nobody would miss a pod that is lost",
            hint='take an open loop, such as `--rate "poisson 50/s"`',
        )
    if order.entry is not Entry.WIRE:
        raise PlanError("pods send bytes: `--entry wire`", hint="an application is driven locally")
    spec: JsonObject = {
        "completionMode": "Indexed",
        "completions": shards,
        "parallelism": shards,
        "backoffLimitPerIndex": 0,  # a share that runs twice would be sent twice
        "maxFailedIndexes": shards,  # the others go on
        "activeDeadlineSeconds": int(order.duration_s + order.timeout_s + _SPARE_S),
        "template": {"spec": _pod(pods, ["load", *words, "--share", f"$(SHARD)/{shards}"])},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": pods.name, "labels": {"app.kubernetes.io/name": "l9gate"}},
        "spec": spec,
    }


def _pod(pods: Pods, args: list[Json]) -> JsonObject:
    container: JsonObject = {
        "name": "load",
        "image": pods.image,
        "command": ["sh", "-c", _SCRIPT.format(runs=pods.runs, results=RESULTS), "l9gate"],
        "args": args,
        "env": [
            {"name": "SHARD", "valueFrom": {"fieldRef": {"fieldPath": _INDEX}}},
            {"name": KEY, "valueFrom": {"secretKeyRef": {"name": pods.secret, "key": KEY}}},
        ],
        "resources": {"requests": {"cpu": "1", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        "volumeMounts": [{"name": "results", "mountPath": RESULTS}],
    }
    return {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "results", "persistentVolumeClaim": {"claimName": pods.claim}}],
    }


def render_yaml(value: JsonObject) -> str:
    """Return an object as a YAML document; texts are quoted as JSON quotes them."""
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: Json, indent: str) -> list[str]:
    if isinstance(value, dict) and value:
        found = []
        for name, inner in value.items():
            found += _entry(f"{indent}{name}:", inner, indent + "  ")
        return found
    if isinstance(value, list) and value:
        found = []
        for inner in value:
            first, *rest = _lines(inner, indent + "  ")
            found += [f"{indent}- {first.lstrip()}", *rest]
        return found
    return [f"{indent}{msgspec.json.encode(value).decode()}"]


def _entry(head: str, value: Json, indent: str) -> list[str]:
    if isinstance(value, (dict, list)) and value:
        return [head, *_lines(value, indent)]
    return [f"{head} {msgspec.json.encode(value).decode()}"]
