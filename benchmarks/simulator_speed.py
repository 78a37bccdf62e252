"""How many requests a second the simulator answers on one core, beside a peer and the limit.

The peer is aimock, which validates nothing; the limit is nginx with a fixed answer of that size.
Every request has another body. `depth` is how many requests a client sends at a time; at depth 1
the kernel takes most of the time, at depth 16 the servers do.

Run: python benchmarks/simulator_speed.py
"""

from contextlib import ExitStack

from simulator_peers import (
    MissingError,
    aimock,
    answer_of,
    best_of,
    body_of,
    measure,
    nginx,
    note_machine,
    ratio_of,
    simulator,
)

BODY = body_of("Which function opens file NUMBER?")
OURS = "l9gate"
DEPTHS = (1, 16)
ASKED_PER_S = 60_000


def main() -> None:
    note_machine()
    with ExitStack() as stack:
        servers = {OURS: stack.enter_context(simulator())}
        size_bytes = len(answer_of(servers[OURS].url, BODY))
        for name, peer in (("aimock", aimock()), ("nginx", nginx(size_bytes))):
            try:
                servers[name] = stack.enter_context(peer)
            except MissingError as error:
                print(f"skipped: {name}, there is no {error}")
        found = {depth: measure(servers, BODY, depth=depth, clients=64) for depth in DEPTHS}
    for depth, rates in found.items():
        for name in (name for name in servers if name != OURS):
            ratio, theirs = ratio_of(rates[OURS], rates[name]), best_of(rates[name])
            print(
                f"depth {depth:2}  {ratio.per_s:6.2f} x {name:<7} "
                f"{ratio.per_core_s:6.2f} x per second of a core  "
                f"({theirs.per_s:,.0f} and {theirs.per_core_s:,.0f} requests/s)"
            )
        mine = best_of(rates[OURS])
        print(
            f"depth {depth:2}  {mine.per_s:,.0f} requests/s of JSON with full validation, "
            f"{mine.per_core_s:,.0f} per second of a core"
        )
    if max(best_of(rates[OURS]).per_s for rates in found.values()) < ASKED_PER_S:
        print(f"not reached: {ASKED_PER_S:,} requests/s")


if __name__ == "__main__":
    main()
