"""L4-01 to L4-07: every question of the contract, each a test; with a baseline, also against it."""

import pytest

from l9gate.pytest_plugin.probes import ContractProbe


@pytest.mark.contract
def test_the_endpoint_keeps_its_contract(l9gate_probe: ContractProbe) -> None:
    l9gate_probe.check()
