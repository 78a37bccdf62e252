"""Differences from the contract that somebody answers for, until a day: a TOML file."""

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

from l9gate.errors import SettingsError

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class DriftWaiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One code, everywhere or at one probe and path, until a day has passed.

    One that names a probe is about its answers alone, not about those that an application gets.
    """

    code: _Text
    reason: _Text
    owner: _Text
    expires: date  # the last day on which it holds
    probe: _Text | None = None  # None: every one
    path: _Text | None = None  # None: every one

    def covers(self, code: str, probe: str, path: str) -> bool:
        """Whether it answers for a difference of a probe."""
        return self.is_about(code, path) and self.probe in {None, probe}

    def is_about(self, code: str, path: str) -> bool:
        """Whether it is about a kind of difference, at whatever probe."""
        return self.code == code and self.path in {None, path}

    def has_expired(self, today: date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires


class _File(msgspec.Struct, forbid_unknown_fields=True):
    waiver: tuple[DriftWaiver, ...] = ()


def read_waivers(path: Path, codes: Sequence[str]) -> tuple[DriftWaiver, ...]:
    """Return what a file waives; a file that is not there waives nothing.

    Args:
        path: of the file.
        codes: those that exist, so that a waiver cannot be about nothing.

    Raises:
        SettingsError: it is no TOML, says something unknown, or names no code.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    try:
        waivers = msgspec.convert(tomllib.loads(text), _File).waiver
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"{path}: {error}",
            hint="a [[waiver]] has `code`, `reason`, `owner`, `expires`, and may have `probe` and "
            "`path`",
        ) from error
    for waiver in waivers:
        if waiver.code not in codes:
            raise SettingsError(
                f"{path}: there is no code `{waiver.code}`",
                hint="`l9gate contract check` prints codes, docs/reference/contract.md lists them",
            )
    return waivers
