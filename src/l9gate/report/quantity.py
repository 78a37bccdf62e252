"""Numbers as people read them: 812 ms, 2.31 s, 49.8 MB, 94.7 %."""

import math
import re

_MAX_DIGITS = 9
_MEGABYTE = 1_000_000


def render_quantity(value: float, unit: str, digits: int = 3) -> str:
    """Return a number with its unit; fractions are shown as percent, +infinity as ∞."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    render = _BY_UNIT.get(unit)
    if render is not None:
        return render(value, digits)
    return f"{_plain(value, digits)}{'' if unit.startswith('/') else ' '}{unit}"


def render_pair(value: float, beside: float, unit: str) -> tuple[str, str]:
    """Return two numbers with as many digits as it takes to tell them apart."""
    for digits in range(3, _MAX_DIGITS):
        pair = render_quantity(value, unit, digits), render_quantity(beside, unit, digits)
        if value == beside or pair[0] != pair[1]:
            return pair
    return repr(value), repr(beside)


def operator_of(condition: str) -> str | None:
    """Return the operator of a condition on a number; None if it is a sentence."""
    found = re.search(r" (<=|>=|==|<|>) ", f" {condition} ")
    return found[1] if found else None


def subject_of(condition: str) -> str:
    """Return what stands left of the operator, e.g. `p95(latency_s)`."""
    operator = operator_of(condition)
    return condition if operator is None else condition.partition(f" {operator} ")[0]


def _seconds(value: float, digits: int) -> str:
    if 0 < abs(value) < 1:
        return f"{_plain(value * 1000, digits)} ms"
    return f"{_plain(value, digits)} s"


def _percent(value: float, digits: int) -> str:
    text = _plain(value * 100, digits)
    while text == "100" and value < 1 and digits < _MAX_DIGITS:  # 99.96 % is not 100 %
        digits += 1
        text = _plain(value * 100, digits)
    return f"{text} %"


def _count(value: float, digits: int) -> str:
    return _plain(value, max(digits, 6))


def _bytes(value: float, digits: int) -> str:
    if abs(value) < _MEGABYTE / 10:
        return f"{_plain(value, max(digits, 6))} bytes"
    return f"{_plain(value / _MEGABYTE, digits)} MB"


def _plain(value: float, digits: int) -> str:
    """Return at least this many significant digits; whole digits are never rounded away."""
    whole = len(str(int(abs(value))))
    text = f"{value:,.{max(digits - whole, 0)}f}"
    if abs(value) < 1 and value != 0:
        text = f"{value:.{digits}g}"
        text = text if "e" not in text else f"{value:.{digits}e}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


_BY_UNIT = {"s": _seconds, "bytes": _bytes, "%": _percent, "": _count}
