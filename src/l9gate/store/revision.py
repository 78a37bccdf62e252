"""Which revision of a project is judged."""

import subprocess
from importlib import metadata
from pathlib import Path


def read_git_revision(root: Path) -> tuple[str | None, bool | None]:
    """Return the commit and whether the work tree differs from it; None outside of git."""
    revision = _git(root, "rev-parse", "HEAD")
    if revision is None:
        return None, None
    changes = _git(root, "status", "--porcelain")
    return revision, None if changes is None else bool(changes)


def read_versions(*distributions: str) -> dict[str, str]:
    """Return the installed versions of those distributions that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *words],  # noqa: S607  # the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
