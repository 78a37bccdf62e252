"""Which runs may be judged as one."""

from collections.abc import Sequence

from l9gate.errors import RunDataError
from l9gate.store.run import Manifest

# What must agree for two samples to be samples of one thing; several packages are rolled up.
_FIELDS = ("git_revision", "policy_hash", "environment", "model", "kind", "layers")


def check_poolable(manifests: Sequence[Manifest]) -> None:
    """Return if all runs are of one revision, policy, environment, model, kind and set of layers.

    Raises:
        RunDataError: two runs differ, with the field and both values; or one run is given twice,
            which would count its evidence twice.
    """
    seen: set[str] = set()
    for manifest in manifests:
        if manifest.run_id in seen:
            raise RunDataError(f"run `{manifest.run_id}` is given twice", hint="name each run once")
        seen.add(manifest.run_id)
        for field in _FIELDS:
            _check_field(field, manifests[0], manifest)


def _check_field(field: str, first: Manifest, other: Manifest) -> None:
    one, two = _text(first, field), _text(other, field)
    if one != two:
        raise RunDataError(
            f"runs `{first.run_id}` and `{other.run_id}` cannot be pooled: "
            f"their {field} differs, `{one}` and `{two}`",
            hint="judge them one by one",
        )


def _text(manifest: Manifest, field: str) -> str:
    value: object = getattr(manifest, field)
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
