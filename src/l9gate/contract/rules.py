"""The rules: what may differ from a contract, how bad that is, and why.

The weight is that for the author of a client. Within one version of the API outputs are added and
enumerations grow, but nothing is removed, renamed or retyped (fact sheet, section 5).
"""

from enum import StrEnum

import msgspec


class Impact(StrEnum):
    """What a difference does to clients."""

    BREAKING = "breaking"  # a client that keeps to the documentation fails or is misled
    WARNING = "warning"  # some clients may fail, or it cannot be told from one answer
    COMPATIBLE = "compatible"  # announced as possible within one version
    IGNORABLE = "ignorable"  # concerns no client


class Aspect(StrEnum):
    """Which part of the contract, in the order in which an answer is looked at."""

    STATUS = "status"  # and the error envelope
    HEADERS = "headers"
    SHAPE = "shape"  # JSON: presence, types, nullability, enumerations
    STREAM = "stream"  # order of events
    SEMANTICS = "semantics"
    ACCEPTANCE = "acceptance"  # one request under two versions of the API
    LIFECYCLE = "lifecycle"  # of models


class Rule(msgspec.Struct, frozen=True):
    """One kind of difference; its code is stable."""

    code: str  # begins with what it is about
    aspect: Aspect
    impact: Impact  # what the application relies on may raise or lower it
    text: str  # for `l9gate explain`


_A, _B, _W, _C, _I = Aspect, Impact.BREAKING, Impact.WARNING, Impact.COMPATIBLE, Impact.IGNORABLE

RULES: tuple[Rule, ...] = (
    Rule("status.changed", _A.STATUS, _B,
         "A probe gets another status than in every repeat of the baseline: what was accepted "
         "is refused, or the reverse."),
    Rule("status.transient", _A.STATUS, _W,
         "A probe met overload, a rate limit or a failure of the server; it says nothing about "
         "the contract, so the probe has to be repeated."),
    Rule("status.undocumented", _A.STATUS, _W,
         "The API documents no error of this status; clients cannot have a branch for it."),
    Rule("envelope.foreign", _A.STATUS, _B,
         "The body of an error is not the API's envelope but a page, text or envelope of "
         "somebody else; type, message and request id are lost."),
    Rule("envelope.type", _A.STATUS, _B,
         "`error.type` is no type of the API, for instance the name of a class; clients that "
         "branch on it take the wrong branch."),
    Rule("envelope.type_new", _A.STATUS, _C,
         "`error.type` is one that is not documented yet; the list may grow."),
    Rule("envelope.mismatch", _A.STATUS, _B,
         "`error.type` belongs to another status; clients that branch on one and those that "
         "branch on the other disagree, and so do retries."),
    Rule("envelope.success", _A.STATUS, _B,
         "A success carries an error's envelope; clients take it for an answer."),
    Rule("body.malformed", _A.STATUS, _B,
         "The body is no JSON object although one is promised."),
    Rule("header.missing", _A.HEADERS, _B,
         "A documented header, or one that the application reads, is not sent."),
    Rule("header.gone", _A.HEADERS, _I,
         "A header that is not documented was in every repeat of the baseline and is not sent "
         "any more."),
    Rule("header.added", _A.HEADERS, _I,
         "There is a header that the baseline does not know."),
    Rule("header.form", _A.HEADERS, _B,
         "The value of a header cannot be read as documented: a whole number, a time, seconds "
         "or an id."),
    Rule("header.content_type", _A.HEADERS, _B,
         "The content type is not that of what was asked for; clients choose their parser by "
         "it."),
    Rule("header.request_id", _A.HEADERS, _W,
         "The request id of the header is not that of the error's body; whoever reports the one "
         "cannot be helped with the other."),
    Rule("header.rate_limit", _A.HEADERS, _B,
         "The limit, what remains and when it is full again come together; part of a family, or "
         "every family, is missing."),
    Rule("header.rate_limit_sense", _A.HEADERS, _W,
         "More remains than the limit allows."),
    Rule("header.retry_after", _A.HEADERS, _W,
         "A 429 for a rate limit says neither when to come back nor whether to; clients loop."),
    Rule("shape.missing", _A.SHAPE, _B,
         "A field that is promised always is not there."),
    Rule("shape.gone", _A.SHAPE, _W,
         "A field that nobody promises, but that was in every repeat of the baseline, is not "
         "there; breaking if the application reads it."),
    Rule("shape.type", _A.SHAPE, _B,
         "A field has a type that is not promised."),
    Rule("shape.null", _A.SHAPE, _B,
         "A field is null that is promised never to be."),
    Rule("shape.constant", _A.SHAPE, _B,
         "A field that has one value for ever has another."),
    Rule("shape.value", _A.SHAPE, _C,
         "An enumeration has a value that is not known yet. Announced as possible; breaking for "
         "an application without a branch for unknown ones."),
    Rule("shape.variant", _A.SHAPE, _C,
         "An object of a union is of a type that is not known yet. Announced as possible; "
         "breaking for an application without a branch for unknown ones."),
    Rule("shape.unhandled", _A.SHAPE, _W,
         "A documented value or block type that the application does not say it handles was "
         "answered; breaking if it has no branch for unknown ones either."),
    Rule("shape.added", _A.SHAPE, _C,
         "There is a field that nobody promises. Announced as possible."),
    Rule("stream.order", _A.STREAM, _B,
         "An event came where the grammar does not allow it."),
    Rule("stream.index", _A.STREAM, _B,
         "An event carries an index that is not that of the open or next block; its content "
         "lands in another block or nowhere."),
    Rule("stream.delta", _A.STREAM, _B,
         "A delta came in a block of another type; SDKs drop it without a word."),
    Rule("stream.name", _A.STREAM, _B,
         "The name of an event is not the `type` of its data; clients go by either."),
    Rule("stream.unnamed", _A.STREAM, _W,
         "There is an event without a name, such as `[DONE]`; SDKs ignore it, and clients that "
         "parse it as JSON fail."),
    Rule("stream.malformed", _A.STREAM, _B,
         "The data of an event is no JSON object."),
    Rule("stream.unended", _A.STREAM, _B,
         "The stream ended without `message_stop` and without an `error`; SDKs return the part "
         "as if it were whole."),
    Rule("stream.unknown_event", _A.STREAM, _I,
         "There is an event that nobody knows; clients must and do skip it."),
    Rule("stream.start", _A.STREAM, _B,
         "The message in `message_start`, or a block in `content_block_start`, is not empty; "
         "its content is taken twice."),
    Rule("stream.stop_reason", _A.STREAM, _B,
         "The last `message_delta` has no stop reason."),
    Rule("stream.usage", _A.STREAM, _B,
         "Counts of tokens in a stream are totals; one fell."),
    Rule("stream.tool_input", _A.STREAM, _B,
         "The pieces of a tool's input make no JSON object, and the answer was not cut by "
         "`max_tokens`."),
    Rule("usage.negative", _A.SEMANTICS, _B,
         "A count of tokens is negative."),
    Rule("usage.input", _A.SEMANTICS, _B,
         "No input tokens are counted at all."),
    Rule("usage.output", _A.SEMANTICS, _B,
         "No output tokens are counted; even an empty text costs one, except after a refusal "
         "and with `max_tokens: 0`."),
    Rule("usage.cache", _A.SEMANTICS, _B,
         "The tokens written to the cache are not the sum of those for five minutes and those "
         "for an hour."),
    Rule("usage.thinking", _A.SEMANTICS, _B,
         "More tokens of thinking are counted than of output, which holds them."),
    Rule("usage.over", _A.SEMANTICS, _W,
         "More output tokens are counted than `max_tokens` allows."),
    Rule("stop.tool_use", _A.SEMANTICS, _B,
         "The stop reason and the blocks disagree about whether a tool is called; the tool is "
         "never run, or a loop never ends."),
    Rule("stop.sequence", _A.SEMANTICS, _B,
         "`stop_sequence` is told without that stop reason, is not told with it, or was never "
         "asked for."),
    Rule("stop.details", _A.SEMANTICS, _W,
         "A refusal without `stop_details`."),
    Rule("content.empty", _A.SEMANTICS, _W,
         "An answer without content, though nothing that would explain it was asked."),
    Rule("tool.name", _A.SEMANTICS, _B,
         "A tool is called that was not offered."),
    Rule("tool.input", _A.SEMANTICS, _W,
         "The input of a tool does not keep the tool's schema; breaking for a tool that is "
         "`strict`."),
    Rule("output.format", _A.SEMANTICS, _B,
         "The answer is not the JSON that `output_config.format` promises."),
    Rule("model.echo", _A.SEMANTICS, _B,
         "Another model answered than the one that was asked."),
    Rule("id.form", _A.SEMANTICS, _W,
         "An id does not begin as the API's ids do."),
    Rule("id.repeated", _A.SEMANTICS, _B,
         "An id came twice; ids never repeat."),
    Rule("count.differs", _A.SEMANTICS, _W,
         "`count_tokens` and the usage of the same request are further apart than an estimate "
         "may be."),
    Rule("batch.counts", _A.SEMANTICS, _B,
         "A batch that has ended still counts requests as being processed, or lacks what an "
         "ended batch has; or one that has not ended has it."),
    Rule("accept.unannounced", _A.ACCEPTANCE, _B,
         "A request that the older version accepts is refused by the newer one, and no "
         "documentation says so."),
    Rule("accept.not_enforced", _A.ACCEPTANCE, _W,
         "A request that the newer version has to refuse is accepted: the endpoint does not "
         "look at the version."),
    Rule("accept.widened", _A.ACCEPTANCE, _C,
         "A request that the older version refuses is accepted by the newer one."),
    Rule("accept.sampling", _A.ACCEPTANCE, _B,
         "Version 2026-10-21 refuses `temperature`, `top_p` and `top_k`, whatever their value."),
    Rule("accept.document", _A.ACCEPTANCE, _B,
         "Version 2026-10-21 refuses a `document` block placed directly in an assistant "
         "message."),
    Rule("accept.citations", _A.ACCEPTANCE, _B,
         "Version 2026-10-21 refuses a `text` block with citations in a user message, directly "
         "or inside a `search_result`."),
    Rule("model.absent", _A.LIFECYCLE, _B,
         "A model that the application names is not offered."),
    Rule("model.retired", _A.LIFECYCLE, _B,
         "A model that the application names has been retired, or its day has passed."),
    Rule("model.retiring", _A.LIFECYCLE, _W,
         "A model that the application names ends within sixty days, the shortest notice that "
         "is given."),
    Rule("model.deprecated", _A.LIFECYCLE, _W,
         "A model that the application names is deprecated."),
    Rule("model.undated", _A.LIFECYCLE, _W,
         "A model that the application names is unknown here, and the endpoint says nothing of "
         "it."),
)  # fmt: skip
_BY_CODE = {rule.code: rule for rule in RULES}


def rule_of(code: str) -> Rule:
    """Return the rule of a code that exists."""
    return _BY_CODE[code]


def find_rule(code: str) -> Rule | None:
    """Return the rule of a code, None for one that does not exist."""
    return _BY_CODE.get(code)
