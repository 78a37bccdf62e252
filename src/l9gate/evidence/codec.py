"""Record ↔ bytes, versioned.

The format is msgpack of a tagged union. A reader of version N reads N only; fields may be added
with a default without a new version, since unknown fields are ignored and absent ones defaulted.
"""

import msgspec

from l9gate.errors import RunCorruptError
from l9gate.evidence.records import AnyRecord
from l9gate.wire.redaction import Redactor

FORMAT_VERSION = 1

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyRecord] = msgspec.msgpack.Decoder(AnyRecord)


def encode_record(record: AnyRecord, redactor: Redactor | None = None) -> bytes:
    """Return the bytes that `decode_record` turns back into an equal record.

    Args:
        record: what to encode.
        redactor: takes keys out of its texts: a server may say back what it was sent.
    """
    data = _encoder.encode(record)
    if redactor is not None and redactor.may_be_in(data):
        return _encoder.encode(redactor.redact_all(msgspec.msgpack.decode(data)))
    return data


def decode_record(data: bytes) -> AnyRecord:
    """Return the record that was encoded.

    Raises:
        RunCorruptError: the bytes are no record of this version.
    """
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise RunCorruptError(f"a record cannot be decoded: {error}") from error


def kind_of(record: AnyRecord) -> str:
    """Return the tag under which a record is stored."""
    tag = type(record).__struct_config__.tag
    assert isinstance(tag, str)  # noqa: S101  # every record class declares one
    return tag
