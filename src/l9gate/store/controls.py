"""Negative controls of a project: kept under the digest of what they hold for."""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec

from l9gate.errors import WriteError
from l9gate.evidence.records import Control
from l9gate.store.revision import read_versions
from l9gate.store.settings import Settings

_FOLDER = Path(".l9gate") / "control"
_SUFFIXES = frozenset({".py", ".pyi", ".toml", ".cfg", ".ini", ".lock"})
_LIBRARIES = ("l9gate", "anthropic", "httpx2", "httpx", "pytest")


def digest_of(settings: Settings, policy_text: str) -> str:
    """Return what a control of these tests holds for: tests, application, SDK and policy.

    The application is every Python and configuration file of the project that git does not
    ignore; of the layers' folders every file counts.
    """
    root = settings.root
    tests = [root / path for layer in settings.layers.values() for path in layer.paths]
    digest = hashlib.sha256(policy_text.encode())
    digest.update(repr(sorted(read_versions(*_LIBRARIES).items())).encode())
    for path in _files(root):
        if path.suffix in _SUFFIXES or any(path.is_relative_to(test) for test in tests):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_control(settings: Settings, digest: str) -> Control | None:
    """Return the control that was kept for a digest, None if there is none or it is damaged."""
    try:
        found = msgspec.json.decode(_place(settings, digest).read_bytes(), type=Control)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.digest == digest else None


def write_control(settings: Settings, control: Control) -> Path:
    """Keep a control, and return its file.

    Raises:
        WriteError: the folder cannot be written.
    """
    place = _place(settings, control.digest)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(msgspec.json.format(msgspec.json.encode(control), indent=2) + b"\n")
    except OSError as error:
        raise WriteError(f"{place} cannot be written: {error.strerror}") from error
    return place


def _place(settings: Settings, digest: str) -> Path:
    return settings.root / _FOLDER / f"{digest[:16]}.json"


def _files(root: Path) -> Iterable[Path]:
    names = _tracked(root)
    paths = root.rglob("*") if names is None else (root / name for name in names)
    for path in sorted(paths):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and "__pycache__" not in path.parts and path.is_file():
            yield path


def _tracked(root: Path) -> list[str] | None:
    """Return every file that git knows or would take, None outside of git."""
    command = ["git", "-C", str(root), "ls-files", "-coz", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)  # noqa: S603  # the user's own git
    except (OSError, subprocess.SubprocessError):
        return None
    return [name for name in done.stdout.decode(errors="surrogateescape").split("\0") if name]
