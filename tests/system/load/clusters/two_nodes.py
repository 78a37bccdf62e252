"""Two Ray nodes on this machine carry two loads out; the second one loses a node on its way.

Words: the run folders of both loads, and the order. Prints what came of each, a line of JSON.
"""

import asyncio
import sys
from pathlib import Path

import msgspec
from ray.cluster_utils import Cluster as LocalCluster

from l9gate.criteria.criterion import Scope
from l9gate.drive.order import LoadOrder
from l9gate.drive.plan import Progress
from l9gate.evidence.records import Origin
from l9gate.measure.clock import SystemClock
from l9gate.sources.bench import Bench
from l9gate.sources.load.crew import SharedEnd
from l9gate.sources.load.plan import Asked, LoadAssignment, Place
from l9gate.sources.load.ray import drive_on_ray
from l9gate.store.run import open_run

KEY = "sk-rehearsal-1"
CUT_S = 8.0  # long enough for the death of a node to be noticed


def carry_out(nodes: LocalCluster, run: str, order: LoadOrder, victims: list[object]) -> SharedEnd:
    def look(_: Progress) -> bool:
        if victims:
            nodes.remove_node(victims.pop(), allow_graceful=False)
        return False

    with open_run(Path(run)).writer("gate") as sink:
        bench = Bench(clock=SystemClock(), seed=1, sink=sink, say=lambda _: None)
        scope = Scope(layers=(), kind=Origin.SIMULATED, environment="development")
        plan = LoadAssignment(
            order=order,
            asked=Asked(criteria=(), scope=scope),
            key=KEY,
            place=Place(workers=2, cluster=nodes.address),
            run=Path(run),
            environ={},
        )
        return asyncio.run(drive_on_ray(plan, bench, look))


def main() -> None:
    whole, cut, text = sys.argv[1:]
    order = msgspec.json.decode(text, type=LoadOrder)
    nodes = LocalCluster(initialize_head=True, head_node_args={"num_cpus": 0})
    hosts = [nodes.add_node(num_cpus=1) for _ in range(2)]
    try:
        longer = msgspec.structs.replace(order, duration_s=CUT_S)
        ends = [carry_out(nodes, whole, order, []), carry_out(nodes, cut, longer, hosts[:1])]
    finally:
        nodes.shutdown()
    for shared in ends:
        told = {"lost": shared.lost, "sent": shared.end.sent, "planned": shared.end.planned}
        sys.stdout.write(f"{msgspec.json.encode(told).decode()}\n")


if __name__ == "__main__":
    main()
