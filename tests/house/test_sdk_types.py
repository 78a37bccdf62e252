"""What the contract takes for promises of the SDK's types is what the installed SDK's types say."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_extract_is_fresh() -> None:
    place = ROOT / "scripts" / "extract_sdk_types.py"
    spec = importlib.util.spec_from_file_location("extract_sdk_types", place)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    committed = (ROOT / "src" / "l9gate" / "contract" / "sdk_types.json").read_text()
    assert committed == module.extract(), "run `python scripts/extract_sdk_types.py`"
