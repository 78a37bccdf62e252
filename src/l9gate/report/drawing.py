"""An SVG while it grows: lines, words and a grid within margins."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from l9gate.report.axes import Axis

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 16, 34  # margins


@dataclass(slots=True)
class Drawing:
    """An SVG while it grows."""

    name: str
    title: str
    about: str
    width: float = WIDTH
    height: float = HEIGHT
    parts: list[str] = field(default_factory=list)

    def path(self, kind: str, data: str) -> None:
        """Draw what SVG's path data says, in the colours of a kind."""
        self.parts.append(f'<path class="{kind}" d="{data}"/>')

    def line(self, kind: str, ends: tuple[float, float, float, float]) -> None:
        """Draw a straight line from x, y to x, y."""
        x1, y1, x2, y2 = ends
        self.path(kind, f"M{x1:g} {y1:g}L{x2:g} {y2:g}")

    def text(self, at: tuple[float, float], text: str, kind: str, anchor: str = "middle") -> None:
        """Write words that begin, end or have their middle at a place."""
        x, y = at
        self.parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def grid(self, x: Axis, y: Axis) -> None:
        """Draw a line for each place on the lower axis that has a name, and that axis."""
        for value in x.ticks():
            self.line("grid", (x.at(value), y.start, x.at(value), y.end))
        low = self.height - BOTTOM
        self.line("axis", (LEFT, low, self.width - RIGHT, low))

    def label(self, at: float, text: str) -> None:
        """Write below the axis what a place on it stands for, within the drawing."""
        anchor = "end" if at > self.width - 2 * RIGHT else "middle"
        self.text((at, self.height - 14), text, "tick", anchor)

    def render(self) -> str:
        """Return the whole SVG; readers of the screen are told its title and what it is about."""
        ids = f"{self.name}-title {self.name}-about"
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-labelledby="{ids}">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-about">{escape(self.about)}</desc>{"".join(self.parts)}</svg>'
        )


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """Return path data of a line through points."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def clock(at_s: float) -> str:
    """Return a time since the start as a place on an axis is called."""
    if at_s < 600:
        return f"{at_s:g} s"
    return f"{at_s / 60:g} min" if at_s < 7200 else f"{at_s / 3600:g} h"
