"""How many requests a second the simulator answers on one core, beside a peer and the limit.

The peer is aimock, which validates nothing; the limit is nginx with a fixed answer of that size.
Every request has another body. `depth` is how many requests a client sends at a time; at depth 1
the kernel takes most of the time, at depth 16 the servers do.

Run: python benchmarks/simulator_speed.py
"""

from simulator_peers import (
    MissingError,
    Rate,
    aimock,
    answer_of,
    body_of,
    measure,
    nginx,
    note_machine,
    simulator,
)

BODY = body_of("Which function opens file NUMBER?")
DEPTHS = (1, 16)
ASKED_PER_S = 60_000


def main() -> None:
    note_machine()
    with simulator() as server:
        size_bytes = len(answer_of(server.url, BODY))
        ours = {depth: measure(server, BODY, depth=depth) for depth in DEPTHS}
    others: dict[str, dict[int, Rate]] = {}
    for name, peer in (("aimock", aimock()), ("nginx", nginx(size_bytes))):
        try:
            with peer as server:
                others[name] = {depth: measure(server, BODY, depth=depth) for depth in DEPTHS}
        except MissingError as error:
            print(f"skipped: {name}, there is no {error}")
    for depth in DEPTHS:
        mine = ours[depth]
        for name, rates in others.items():
            theirs = rates[depth]
            print(
                f"depth {depth:2}  {mine.per_s / theirs.per_s:6.2f} x {name:<7} "
                f"{mine.per_core_s / theirs.per_core_s:6.2f} x per second of a core  "
                f"({theirs.per_s:,.0f} and {theirs.per_core_s:,.0f} requests/s)"
            )
        print(
            f"depth {depth:2}  {mine.per_s:,.0f} requests/s of JSON with full validation, "
            f"{mine.per_core_s:,.0f} per second of a core"
        )
    if max(rate.per_s for rate in ours.values()) < ASKED_PER_S:
        print(f"not reached: {ASKED_PER_S:,} requests/s")


if __name__ == "__main__":
    main()
