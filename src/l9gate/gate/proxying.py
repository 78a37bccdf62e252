"""The proxy of a run: layers that ask for it send their calls through it."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from l9gate.evidence.records import Layer
from l9gate.proxy.owners import PAGES
from l9gate.proxy.process import ProxyPlan, proxy_process
from l9gate.sources.suite.environ import SuiteTarget
from l9gate.store.account import Account
from l9gate.store.run import RunFolder
from l9gate.store.settings import Settings


def is_proxied(settings: Settings, plan: ProxyPlan | None, layer: Layer) -> bool:
    """Whether a layer's calls shall pass through the proxy: all real layers, or those that say so.

    Args:
        settings: of the project.
        plan: what the command line asked for.
        layer: one that is going to run.
    """
    declared = settings.layers.get(layer)
    return layer.is_real and (plan is not None or (declared is not None and declared.proxy))


@contextmanager
def through_proxy(
    target: SuiteTarget | None,
    plan: ProxyPlan | None,
    folder: RunFolder,
    account: Account | None,
    *,
    is_wanted: bool,
) -> Iterator[SuiteTarget | None]:
    """Yield where proxied layers send their calls, None if there are none.

    Args:
        target: where they would send them otherwise.
        plan: what the command line says of the proxy.
        folder: the run.
        account: its money, which the proxy spends, too.
        is_wanted: whether any layer is proxied.

    Raises:
        EndpointUnreachableError: the proxy did not start.
        WriteError: it could not write all that it saw.
    """
    if target is None or not is_wanted:
        yield None
        return
    with proxy_process(
        plan or ProxyPlan(),
        upstream=target.base_url,
        run=folder.path.absolute(),
        environment=target.environment,
        account=account,
    ) as base_url:
        try:
            yield dataclasses.replace(target, base_url=base_url, proxy_url=base_url)
        finally:
            shutil.rmtree(folder.path / PAGES, ignore_errors=True)
