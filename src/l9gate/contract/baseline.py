"""What an endpoint is known to do: promises and what repeats of probes had in common, as data."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from l9gate.contract.documents import ERROR, EVENT, document_of, promised, sdk_promises
from l9gate.contract.envelope import is_transient
from l9gate.contract.observed import Observed
from l9gate.contract.reliance import Reliance
from l9gate.contract.schema import Node, Promise, build_tree, kind_of, merge
from l9gate.contract.shape import trace
from l9gate.errors import BaselineError
from l9gate.wire.json import Json, parse_object

FORMAT = 1
LEAST_REPEATS = 3
_SEEN = ("seen",)
_ANOTHER = "delete it, then `l9gate contract baseline` learns another one"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What all repeats of one question had in common; what differed among them is noise."""

    repeats: int
    statuses: tuple[int, ...]
    headers: dict[str, bool]  # every name that was seen, and whether every repeat had it
    usual: dict[str, tuple[str, ...]]  # by document: paths without promise that were always there


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's contract; it holds no text of prompts, answers or ids."""

    format: int = FORMAT
    sdk: str = ""  # whose types are in it
    reliance: Reliance = Reliance()
    probes: dict[str, Probe] = {}
    documents: dict[str, dict[str, Promise]] = {}


def make_baseline(reliance: Reliance | None = None) -> Baseline:
    """Return a baseline of promises alone, without a repeat of any probe."""
    return Baseline(sdk=sdk_promises()[0], reliance=reliance or Reliance(), documents=promised())


def learn_baseline(
    repeats: Mapping[str, Sequence[Observed]], reliance: Reliance | None = None
) -> Baseline:
    """Return the baseline that the repeats of each probe make.

    Answers that were overloaded or limited do not count as repeats. What is seen adds to what is
    promised, where nothing is; it never takes a promise back.

    Raises:
        BaselineError: a probe has fewer than three repeats that count.
    """
    start = make_baseline(reliance)
    trees = {name: build_tree(promises) for name, promises in start.documents.items()}
    seen: dict[str, dict[str, Promise]] = {}
    probes: dict[str, Probe] = {}
    for name, exchanges in repeats.items():
        counting = [one for one in exchanges if _counts(one)]
        if len(counting) < LEAST_REPEATS:
            raise BaselineError(
                f"probe `{name}`: {len(counting)} answers that count, "
                f"at least {LEAST_REPEATS} are needed",
                hint="overload and rate limits do not count; try again later",
            )
        parts = [part for one in counting for part in parts_of(one)]
        for document, value in parts:
            _add_seen(seen.setdefault(document, {}), trees.get(document), value)
        probes[name] = Probe(
            repeats=len(counting),
            statuses=tuple(sorted({one.status for one in counting})),
            headers=_common_headers(counting),
            usual=_usual_paths(parts, trees, len(counting)),
        )
    return msgspec.structs.replace(start, probes=probes, documents=merge(start.documents, seen))


def parts_of(observed: Observed) -> Iterator[tuple[str, Json]]:
    """Yield the JSON of an answer with the names of its documents: a body, or each event."""
    if observed.events is not None:
        for event in observed.events:
            yield f"{EVENT}{event.event}", parse_object(event.data)
    else:
        name = document_of(observed.asked) if observed.status < 400 else ERROR
        if name is not None:
            yield name, parse_object(observed.body)


def render_baseline(baseline: Baseline) -> str:
    """Return the file of a baseline: sorted, one promise a line, so that a diff can be read."""
    plain: Json = msgspec.to_builtins(baseline)
    return _render(plain, 0) + "\n"


def parse_baseline(text: str | bytes, place: str = "baseline") -> Baseline:
    """Return the baseline that a file holds.

    Raises:
        BaselineError: it is no baseline, or of a format that is not read here.
    """
    try:
        found = msgspec.json.decode(text, type=_Format)
        if found.format != FORMAT:
            raise BaselineError(
                f"{place}: format {found.format}, this version reads {FORMAT}",
                hint=_ANOTHER,
            )
        return msgspec.json.decode(text, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BaselineError(f"{place}: no baseline: {error}", hint=_ANOTHER) from error


class _Format(msgspec.Struct):
    format: int


def _render(value: Json, depth: int) -> str:
    is_leaf = not isinstance(value, dict) or not any(isinstance(v, dict) for v in value.values())
    if is_leaf and depth > 1:
        return json.dumps(value, sort_keys=True)
    if not isinstance(value, dict):
        return json.dumps(value)
    inner = " " * (depth + 1)
    lines = [f"{inner}{json.dumps(key)}: {_render(value[key], depth + 1)}" for key in sorted(value)]
    return "{\n" + ",\n".join(lines) + f"\n{' ' * depth}}}" if lines else "{}"


def _counts(observed: Observed) -> bool:
    """Whether an answer is a repeat: nothing kept the endpoint from giving it."""
    names = [event.event for event in observed.events or ()]
    return not is_transient(observed.status) and "error" not in names


def _add_seen(seen: dict[str, Promise], tree: Node | None, value: Json) -> None:
    """Add fields that nobody promises, and names that an enumeration is not known to have."""
    for home, around in trace(tree, value):
        for key, inner in around.items():
            path = f"{home}/{key}"
            known = seen.get(path, Promise(kinds=()))
            node = _find(tree, path)
            if node is None and key.isidentifier():
                seen[path] = Promise(kinds=_widened({kind_of(inner), *known.kinds}), by=_SEEN)
            elif node is not None and _is_new_name(node.promise, inner):
                names = tuple(sorted({*known.values, str(inner)}))
                seen[path] = Promise(kinds=(), values=names, by=_SEEN)


def _widened(kinds: set[str]) -> tuple[str, ...]:
    """Return what a field may be that nobody promises: few repeats do not show every kind."""
    if kinds == {"null"}:
        return ()
    return tuple(sorted({*kinds, "null", *({"number"} if "integer" in kinds else ())}))


def _is_new_name(promise: Promise, value: Json) -> bool:
    is_open = bool(promise.values) and not promise.closed
    return is_open and isinstance(value, str) and value not in promise.values


def _find(tree: Node | None, path: str) -> Node | None:
    node = tree
    for step in path.split("/")[1:]:
        if node is None:
            return None
        key, _, tag = step.partition("=")
        outer = node.element if key == "*" else node.fields.get(key)
        node = outer.variants.get(tag) if outer is not None and tag else outer
    return node


def _common_headers(exchanges: Sequence[Observed]) -> dict[str, bool]:
    counts = Counter(name for one in exchanges for name in one.headers)
    return {name: count == len(exchanges) for name, count in sorted(counts.items())}


def _usual_paths(
    parts: Sequence[tuple[str, Json]], trees: Mapping[str, Node], repeats: int
) -> dict[str, tuple[str, ...]]:
    """Return the fields that every object had that could have them, in as many as there are."""
    usual: dict[str, tuple[str, ...]] = {}
    for document in sorted({name for name, _ in parts} & set(trees)):
        tree = trees[document]
        homes: Counter[str] = Counter()
        fields: Counter[tuple[str, str]] = Counter()
        for name, value in parts:
            for home, around in trace(tree, value) if name == document else ():
                homes[home] += 1
                fields.update((home, key) for key in around if key.isidentifier())
        found = sorted(
            f"{home}/{key}"
            for (home, key), count in fields.items()
            if count == homes[home] >= repeats and not _is_promised(tree, f"{home}/{key}")
        )
        if found:
            usual[document] = tuple(found)
    return usual


def _is_promised(tree: Node, path: str) -> bool:
    node = _find(tree, path)
    return node is not None and node.promise.always
