"""Charts as inline SVG: lines, points with their intervals, bars; colours come from the page they stand in.

All texts in them are escaped. Sizes are those of the drawing, which scales with the page.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 440
HEIGHT: Final = 300
LEFT: Final = 56
RIGHT: Final = 14
TOP: Final = 12
BOTTOM: Final = 46
TICKS: Final = 5
STEPS: Final = (1, 2, 2.5, 5, 10)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, and from where to where."""

    label: str
    low: float = 0.0
    high: float = 1.0
    percent: bool = False

    def text(self, value: float) -> str:
        """Return a number as it stands beside the axis."""
        return f"{value:.0%}" if self.percent else f"{value:,.4g}"

    def place(self, value: float) -> float:
        """Return from 0 to 1 how far along the axis a value is."""
        span = self.high - self.low
        return min(max((value - self.low) / span, 0.0), 1.0) if span else 0.5

    def ticks(self) -> list[float]:
        """Return round numbers between the ends."""
        span = self.high - self.low
        if not span > 0:
            return [self.low]
        rough = span / TICKS
        size = 10 ** math.floor(math.log10(rough))
        step = size * next(each for each in STEPS if each * size >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [place * step for place in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; `style` is the class that gives its colour."""

    points: Sequence[Point]
    style: str
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval at a place of the horizontal axis."""

    x: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that stands on the horizontal axis."""

    left: float
    right: float
    height: float


def chart(
    title: str,
    x: Axis,
    y: Axis,
    lines: Iterable[Line] = (),
    whiskers: Iterable[Whisker] = (),
    bars: Iterable[Bar] = (),
    *,
    diagonal: bool = False,
    mark: float | None = None,
) -> str:
    """Return an SVG with two axes; `mark` is a place of the horizontal axis where a dashed line stands."""
    frame = _Frame(x, y)
    drawn = [*frame.axes()]
    drawn += [frame.bar(each) for each in bars]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        drawn.append(frame.path([(low, low), (high, high)], "ideal"))
    if mark is not None:
        drawn.append(frame.path([(mark, y.low), (mark, y.high)], "mark"))
    drawn += [frame.path([(each.x, each.low), (each.x, each.high)], "whisker") for each in whiskers]
    for line in lines:
        drawn.append(frame.path(line.points, line.style))
        drawn += [frame.dot(point, line.style) for point in line.points if line.dots]
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"'
    return f"<svg {box}>{''.join(drawn)}</svg>"


@dataclass(frozen=True, slots=True)
class _Frame:
    x: Axis
    y: Axis

    def at(self, point: Point) -> Point:
        across = LEFT + self.x.place(point[0]) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - self.y.place(point[1]) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(down, 1)

    def axes(self) -> Iterable[str]:
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value in self.y.ticks():
            _, down = self.at((self.x.low, value))
            yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{down}" y2="{down}"/>'
            yield f'<text x="{LEFT - 7}" y="{down + 4}" text-anchor="end">{escape(self.y.text(value))}</text>'
        for value in self.x.ticks():
            across, _ = self.at((value, self.y.low))
            yield f'<line class="tick" x1="{across}" x2="{across}" y1="{bottom}" y2="{bottom + 4}"/>'
            yield f'<text x="{across}" y="{bottom + 17}" text-anchor="middle">{escape(self.x.text(value))}</text>'
        middle, half = (LEFT + right) / 2, (TOP + bottom) / 2
        yield f'<text class="label" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.x.label)}</text>'
        turned = f'transform="rotate(-90 13 {half})" text-anchor="middle"'
        yield f'<text class="label" x="13" y="{half}" {turned}>{escape(self.y.label)}</text>'
        yield f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'

    def path(self, points: Sequence[Point], style: str) -> str:
        text = " ".join(f"{across},{down}" for across, down in map(self.at, points))
        return f'<polyline class="{escape(style)}" points="{text}"/>'

    def dot(self, point: Point, style: str) -> str:
        across, down = self.at(point)
        return f'<circle class="{escape(style)}" cx="{across}" cy="{down}" r="3.5"/>'

    def bar(self, bar: Bar) -> str:
        left, top = self.at((bar.left, bar.height))
        right, bottom = self.at((bar.right, self.y.low))
        width, height = max(right - left - 1, 0.5), bottom - top
        return f'<rect class="bar" x="{left + 0.5:.1f}" y="{top}" width="{width:.1f}" height="{height:.1f}"/>'
