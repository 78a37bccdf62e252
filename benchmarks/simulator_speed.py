"""How many requests a second the simulator answers on one core, beside a peer and the limit.

The peer is aimock, which validates nothing; the limit is nginx with a fixed answer of that size.
Every request has another body. `depth` is how many requests a client sends at a time; at depth 1
the kernel takes most of the time, at depth 16 the servers do.

Run: python benchmarks/simulator_speed.py
"""

from simulator_peers import (
    MissingError,
    aimock,
    answer_of,
    body_of,
    nginx,
    note_machine,
    rate_per_s,
    simulator,
)

BODY = body_of("Which function opens file NUMBER?")
DEPTHS = (1, 16)


def main() -> None:
    note_machine()
    with simulator() as url:
        size_bytes = len(answer_of(url, BODY))
        ours = {depth: rate_per_s(url, BODY, depth=depth) for depth in DEPTHS}
    others: dict[str, dict[int, float]] = {}
    for name, peer in (("aimock", aimock()), ("nginx", nginx(size_bytes))):
        try:
            with peer as url:
                others[name] = {depth: rate_per_s(url, BODY, depth=depth) for depth in DEPTHS}
        except MissingError as error:
            print(f"skipped: {name}, there is no {error}")
    for depth in DEPTHS:
        for name, rates in others.items():
            ratio = ours[depth] / rates[depth]
            print(f"depth {depth:2}  {ratio:6.2f} x {name:<8} ({rates[depth]:,.0f} requests/s)")
        print(f"depth {depth:2}  {ours[depth]:,.0f} requests/s of JSON with full validation")
    if max(ours.values()) < 60_000:
        print("not reached: 60,000 requests/s")


if __name__ == "__main__":
    main()
