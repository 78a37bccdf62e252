"""The base of all records."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One fact that was seen, and when."""

    at_s: float
