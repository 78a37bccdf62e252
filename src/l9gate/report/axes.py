"""Axes of charts: where ticks stand, and where a value lies between two ends."""

import math
from dataclasses import dataclass

_STEPS = (1, 2, 5)
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from one end to the other, on places of a drawing; values beyond lie on its ends."""

    low: float
    high: float
    start: float  # place of `low`
    end: float  # place of `high`
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value, to a tenth."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        share = (value - low) / (high - low) if high > low else 0.0
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values within the ends: 1, 2, 5, 10 and so on, at least two."""
        return _log_ticks(self.low, self.high) if self.is_log else _ticks(self.low, self.high)


def log_axis(least: float, most: float, start: float, end: float) -> Axis:
    """Return a logarithmic axis whose ends are round values around the given ones."""
    low, high = _round_down(least), _round_up(most)
    return Axis(low, high if high > low else low * 10, start, end, is_log=True)


def _round_down(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return max((step * decade for step in _STEPS if step * decade <= value), default=decade)


def _round_up(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    found = (step * decade for step in (*_STEPS, 10) if step * decade >= value)
    return min(found, default=10 * decade)


def _ticks(low: float, high: float) -> list[float]:
    if high <= low:
        return [low]
    raw = (high - low) / (_MOST_TICKS - 1)
    decade = 10.0 ** math.floor(math.log10(raw))
    step = next((one * decade for one in (1, 2, 5, 10) if one * decade >= raw), 10 * decade)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = _STEPS if last - first <= 2 else (1,)
    found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    return [one for one in found if low * 0.999 <= one <= high * 1.001]
