"""Names beside points, each where it covers neither another name nor a point."""

from collections.abc import Sequence
from math import cos, hypot, radians, sin

import numpy as np
from matplotlib.axes import Axes

from analysis.charts.style import GREY, INK

Box = tuple[float, float, float, float]  # x from, y from, x to, y to, in points of the paper

SIZE = 8.5
REACHES = (7, 14, 24, 36, 50)  # points between a point and its name
ANGLES = (0, 180, 90, 270, 30, 150, 330, 210, 60, 120, 300, 240)
POINT = 5.0  # half the side of what a point covers
NEAR = 15  # further away than this a thin line leads to the name
WEIGHTS = {"names": 20.0, "points": 8.0, "bars": 0.6, "outside": 40.0, "reach": 1.5}


def write_names(ax: Axes, points: np.ndarray, names: Sequence[str], bars: Sequence[Box] = ()) -> None:
    """Write each name beside its point: near it, off the other names and points, rather not across `bars`.

    `points` (one row each: x, y) and `bars` are in the units of the axes, whose limits must be set before.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the layout decides where the axes lie
    scale = 72 / figure.dpi
    at = ax.transData.transform(np.asarray(points, dtype="float64").reshape(-1, 2)) * scale
    lines = [_ordered(*(ax.transData.transform(np.reshape(bar, (2, 2))) * scale).ravel()) for bar in bars]
    frame = _ordered(*(np.asarray(ax.get_window_extent().extents) * scale))
    dots = [(x - POINT, y - POINT, x + POINT, y + POINT) for x, y in at]
    taken: list[Box] = []
    for (x, y), point, name in sorted(zip(at, points, names, strict=True), key=lambda found: -found[0][1]):
        size = _size(ax, name)
        places = [(reach, _box(x, y, reach, angle, size)) for reach in REACHES for angle in ANGLES]
        costs = [_cost(box, taken, dots, lines, frame) + reach * WEIGHTS["reach"] for reach, box in places]
        reach, box = places[costs.index(min(costs))]
        taken.append(box)
        _write(ax, name, point, ((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y), reach)


def _write(ax: Axes, name: str, point: Sequence[float], middle: tuple[float, float], reach: float) -> None:
    line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4}
    written = ax.annotate(
        name,
        (point[0], point[1]),
        middle,
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=SIZE,
        color=INK,
        arrowprops=line if reach > NEAR else None,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.75},
        zorder=4,
    )
    written.set_in_layout(False)  # the layout that the place was found in stays


def _size(ax: Axes, name: str) -> tuple[float, float]:
    """Width and height of the written name, in points."""
    text = ax.text(0, 0, name, fontsize=SIZE)
    box = text.get_window_extent()
    text.remove()
    return box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi


def _box(x: float, y: float, reach: float, angle: float, size: tuple[float, float]) -> Box:
    """The box of a name whose nearest side is `reach` away from the point, in the direction of `angle`."""
    width, height = size
    right, up = cos(radians(angle)), sin(radians(angle))
    left = x + right * reach + (right - 1) * width / 2
    low = y + up * reach + (up - 1) * height / 2
    return left, low, left + width, low + height


def _cost(box: Box, names: Sequence[Box], points: Sequence[Box], bars: Sequence[Box], frame: Box) -> float:
    """How badly a name would stand there."""
    inside = _shared(box, frame)
    outside = (box[2] - box[0]) * (box[3] - box[1]) - inside
    return (
        WEIGHTS["names"] * sum(_shared(box, other, 2) for other in names)
        + WEIGHTS["points"] * sum(_shared(box, other) for other in points)
        + WEIGHTS["bars"] * sum(_length(box, bar) for bar in bars)
        + WEIGHTS["outside"] * outside
    )


def _shared(one: Box, other: Box, apart: float = 0) -> float:
    """The area that two boxes share; with `apart`, as if one were larger by that on each side."""
    wide = min(one[2], other[2] + apart) - max(one[0], other[0] - apart)
    high = min(one[3], other[3] + apart) - max(one[1], other[1] - apart)
    return max(wide, 0) * max(high, 0)


def _length(box: Box, bar: Box) -> float:
    """The length of a bar, which has no width, that lies in the box."""
    wide, high = min(box[2], bar[2]) - max(box[0], bar[0]), min(box[3], bar[3]) - max(box[1], bar[1])
    return hypot(wide, high) if wide >= 0 and high >= 0 else 0.0


def _ordered(x0: float, y0: float, x1: float, y1: float) -> Box:
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
