"""Compares answers with a contract: thoroughly, or fast for those that pass by."""

from collections.abc import Iterator, Mapping

import msgspec

from l9gate.contract.baseline import Baseline, Probe, make_baseline
from l9gate.contract.decoders import ShapeDecoder
from l9gate.contract.documents import ERROR, MESSAGE, document_of
from l9gate.contract.drift import Drift, distinct, sketch_bytes, tell
from l9gate.contract.envelope import find_error_drifts, find_status_drifts, is_foreign
from l9gate.contract.headers import are_plain, are_usual, find_changed_headers, find_header_drifts
from l9gate.contract.observed import Asked, Observed, parse_observed
from l9gate.contract.reliance import Reliance
from l9gate.contract.schema import Node, Promise, Promises, build_tree
from l9gate.contract.semantics import find_batch_drifts, find_message_drifts, is_plain
from l9gate.contract.shape import Comparison, find_shape_drifts
from l9gate.contract.watch import DOCUMENTS, Accepts, StreamWatch
from l9gate.wire.faults import status_of
from l9gate.wire.headers import REQUEST_ID, RETRY_AFTER
from l9gate.wire.json import Json, JsonObject, parse_object

_BATCH = "batch"
# All is said by their shape, but for what is looked at besides.
_FAST = frozenset({MESSAGE, _BATCH, "batches_page", "token_count", "model", "models_page"})
_NOTHING = Probe(repeats=0, statuses=(), headers={}, usual={})


class Contract:
    """One baseline, made ready to compare with; without one, only what everybody is promised."""

    def __init__(self, baseline: Baseline | None = None) -> None:
        self.baseline = make_baseline() if baseline is None else baseline
        self._trees: dict[str, Node] = {}
        self._decoders: dict[str, ShapeDecoder] = {}
        self._accepts: dict[str, Accepts] = {}  # by the name of an event
        reliance = self.baseline.reliance
        self._names_handled = bool(reliance.stop_reasons or reliance.block_types)
        self._read_headers = frozenset(map(str.lower, self.baseline.reliance.headers))

    @property
    def reliance(self) -> Reliance:
        """What the application relies on."""
        return self.baseline.reliance

    def for_mocks(self) -> "Contract":
        """Return one for answers that tests make: they have no reason to say what nobody knows."""
        known = msgspec.structs.replace(self.reliance, survives_unknown=False)
        strict = Contract(msgspec.structs.replace(self.baseline, reliance=known))
        strict._trees, strict._decoders, strict._accepts = (  # shapes are the same
            self._trees, self._decoders, self._accepts,
        )  # fmt: skip
        return strict

    def find_drifts(self, observed: Observed) -> list[Drift]:
        """Return every difference of one exchange, gravest first."""
        probe = self._probe(observed)
        drifts = list(find_status_drifts(observed.status, probe.statuses))
        if observed.events is not None and observed.status < 400:
            drifts += self._find_stream_drifts(observed, probe)
            return distinct(drifts + self._find_header_drifts(observed, None, probe))
        body = parse_object(observed.body)
        if observed.status >= 400:
            drifts += find_error_drifts(observed.status, observed.body, body)
            if not is_foreign(body):
                drifts += self.compare(ERROR, body, self._comparison(ERROR, probe))
        elif not observed.asked.wants_stream:  # else the content type tells
            drifts += self._find_body_drifts(observed, body, probe)
        return distinct(drifts + self._find_header_drifts(observed, body, probe))

    def glance(
        self,
        asked: Asked,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        value: JsonObject | None = None,
    ) -> list[Drift]:
        """Return what is grave about a whole answer that passes by; made to cost microseconds.

        Args:
            asked: the request.
            status: of the answer.
            headers: names in lower case.
            body: the bytes, content encoding removed; of a stream see `follow`.
            value: the same as JSON, if the caller has it.
        """
        if status == 200 and not asked.wants_stream and self._is_fine(asked, headers, body, value):
            return []
        if status >= 400 and self._is_fine_error(status, headers, body):
            return []
        observed = parse_observed(asked, status, headers, body)
        return [drift for drift in self.find_drifts(observed) if drift.is_grave]

    def follow(self, asked: Asked, status: int, headers: Mapping[str, str]) -> StreamWatch:
        """Return what follows a stream that passes by; it is given events, and then asked.

        Args:
            asked: the request.
            status: of the answer, below 400.
            headers: names in lower case.
        """
        drifts: list[Drift] = []
        if not (are_usual(headers, is_stream=True) and self._read_headers <= headers.keys()):
            exchange = Observed(asked=asked, status=status, headers=dict(headers))
            drifts = self._find_header_drifts(exchange, None, _NOTHING)
        if not self._accepts:
            decoders = {name: self.decoder_of(one) for name, one in DOCUMENTS.items()}
            self._accepts = {name: decoder.accepts for name, decoder in decoders.items()}
        return StreamWatch(self, asked, accepts=self._accepts, before=drifts)

    def compare(self, document: str, value: Json, asked: Comparison | None = None) -> list[Drift]:
        """Return how a document differs from its shape.

        Args:
            document: its name, such as `message` or `event content_block_delta`.
            value: the JSON.
            asked: what else it is compared with; None: what the application relies on.
        """
        tree = self._trees.get(document)
        if tree is None:
            tree = self._trees[document] = build_tree(self._promises(document, always=False))
        return find_shape_drifts(tree, value, asked or self._comparison(document, _NOTHING))

    def decoder_of(self, document: str) -> ShapeDecoder:
        """Return the fast decoder of a document, made when it is first needed."""
        found = self._decoders.get(document)
        if found is None:
            tree = build_tree(self._promises(document, always=True))
            found = self._decoders[document] = ShapeDecoder(tree)
        return found

    def find_message_drifts(self, asked: Asked, message: JsonObject) -> list[Drift]:
        """Return what in a message does not fit together or the application does not handle."""
        drifts = find_message_drifts(asked, message)
        if self._names_handled:
            drifts += self.baseline.reliance.find_unhandled(message)
        return drifts

    def _is_fine(
        self, asked: Asked, headers: Mapping[str, str], body: bytes, value: JsonObject | None
    ) -> bool:
        """Whether a success is right beyond doubt; if not, it may be right all the same."""
        name = document_of(asked)
        if name not in _FAST or not self.decoder_of(name).accepts(body):
            return False
        if name == _BATCH and any(find_batch_drifts(value or parse_object(body) or {})):
            return False
        if name != MESSAGE:
            return are_plain(headers) or are_usual(headers, is_stream=False)
        if not (are_usual(headers, is_stream=False) and self._read_headers <= headers.keys()):
            return False
        message = value or parse_object(body) or {}
        if is_plain(asked.body, message) and not self._names_handled:
            return True
        return not self.find_message_drifts(asked, message)

    def _is_fine_error(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether an error is right beyond doubt."""
        if not self.decoder_of(ERROR).accepts(body) or not are_plain(headers):
            return False
        told = parse_object(body) or {}
        error = told["error"]
        is_its_own = isinstance(error, dict) and status_of(str(error["type"])) == status
        says_when = status != 429 or RETRY_AFTER in headers
        return is_its_own and says_when and told["request_id"] == headers[REQUEST_ID]

    def _promises(self, document: str, *, always: bool) -> Promises:
        """Return the promises of a document; `always` adds that what is read is there."""
        promises = self.baseline.documents.get(document, {})
        if document != MESSAGE or not self.reliance.fields:
            return promises
        read: dict[str, Promise] = {}
        for path in self.reliance.fields:
            known = promises.get(path, Promise(kinds=()))
            read[path] = msgspec.structs.replace(known, always=known.always or always)
        return {**promises, **read}

    def _probe(self, observed: Observed) -> Probe:
        return self.baseline.probes.get(observed.probe or "", _NOTHING)

    def _comparison(self, document: str, probe: Probe) -> Comparison:
        usual = frozenset(probe.usual.get(document, ()))
        return Comparison(usual=usual, reliance=self.baseline.reliance)

    def _find_stream_drifts(self, observed: Observed, probe: Probe) -> list[Drift]:
        if not observed.asked.wants_stream:
            return []  # the content type tells
        watch = StreamWatch(self, observed.asked, probe=probe)
        for event in observed.events or ():
            watch.feed(event)
        return watch.finish(was_cut=observed.was_cut)

    def _find_body_drifts(
        self, observed: Observed, body: JsonObject | None, probe: Probe
    ) -> Iterator[Drift]:
        name = document_of(observed.asked)
        if name is None:
            return
        if body is None:
            found = sketch_bytes(observed.body)
            yield tell("body.malformed", "", "a JSON object", found)
        elif body.get("type") == "error":
            yield tell("envelope.success", "/type", f"the document `{name}`", "an error")
        else:
            yield from self.compare(name, body, self._comparison(name, probe))
            if name == MESSAGE:
                yield from self.find_message_drifts(observed.asked, body)
            elif name == _BATCH:
                yield from find_batch_drifts(body)

    def _find_header_drifts(
        self, observed: Observed, body: JsonObject | None, probe: Probe
    ) -> list[Drift]:
        is_message = document_of(observed.asked) == MESSAGE
        drifts = list(
            find_header_drifts(
                observed.headers,
                status=observed.status,
                is_stream=observed.asked.wants_stream,
                is_message=is_message,
                body=body,
            )
        )
        is_read = is_message and observed.status < 300
        read = tuple(self._read_headers) if is_read else ()
        # Another status has other headers; that it is another is told already.
        usual = probe.headers if observed.status in probe.statuses else {}
        told = {(drift.code, drift.path) for drift in drifts}  # what is lost is missed once
        changed = find_changed_headers(observed.headers, usual, read)
        return [*drifts, *(one for one in changed if (one.code, one.path) not in told)]
