"""Plots as inline SVG, small enough to be read on a phone. Colours come from the page's style, by class."""

import math
from collections.abc import Iterable, Sequence
from html import escape

from ..values.proof import TensorError

WIDTH, HEIGHT = 680, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 46
EXACT = "exact"  # a tensor without any error has no ratio in dB


def layer_errors(layers: Sequence[TensorError]) -> str:
    """Signal-to-noise ratio of each inner tensor, from the input to the heads."""
    finite = [error.snr for error in layers if error.snr is not None]
    low, high = min(finite, default=0.0), max(finite, default=60.0)
    ticks = _ticks(min(low, high - 10), high)
    frame = _Frame(x=(0.5, len(layers) + 0.5), y=(ticks[0], ticks[-1]))
    points = []
    for place, error in enumerate(layers, 1):
        value = frame.y[1] if error.snr is None else error.snr
        said = EXACT if error.snr is None else f"{error.snr:.1f} dB"
        title = f"{place}. {error.name}: {said}, largest error {error.largest:.4g} ({error.relative:.2%} of the range)"
        points.append((float(place), value, title, "dot exact" if error.snr is None else "dot"))
    line = " ".join(f"{frame.left(x):.1f},{frame.top(y):.1f}" for x, y, _, _ in points)
    places = [float(p) for p in _ticks(1, max(len(layers), 2)) if 1 <= p <= len(layers) and p == int(p)]
    parts = [
        *_axes(frame, places or [1.0], ticks, "inner tensor, in execution order", "signal to noise in dB"),
        f'<polyline class="line" points="{line}"/>',
        *(_dot(frame, *point) for point in points),
    ]
    return _svg(parts, f"Signal-to-noise ratio of {len(layers)} inner tensors")


def score_pairs(pairs: Sequence[tuple[float, float, str]], limit: float | None) -> str:
    """Score in the source (across) against score in the artifact (up); the band is the limit of their difference."""
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    frame = _Frame(x=(0.0, 1.0), y=(0.0, 1.0))
    parts = _axes(frame, ticks, ticks, "score in the source", "score in the artifact")
    if limit is not None:
        corners = [(0, 0), (0, limit), (1 - limit, 1), (1, 1), (1, 1 - limit), (limit, 0)]
        shape = " ".join(f"{frame.left(x):.1f},{frame.top(y):.1f}" for x, y in corners)
        parts.append(f'<polygon class="band" points="{shape}"/>')
    parts.append(
        f'<line class="ideal" x1="{frame.left(0)}" y1="{frame.top(0)}" x2="{frame.left(1)}" y2="{frame.top(1)}"/>'
    )
    parts += [_dot(frame, x, y, f"{name}: {x:.3f} → {y:.3f}", "dot") for x, y, name in pairs]
    return _svg(parts, f"Scores of {len(pairs)} pairs of detections")


class _Frame:
    """From data to the drawing: ``left`` across, ``top`` down."""

    def __init__(self, *, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x, self.y = x, y

    def left(self, value: float) -> float:
        return LEFT + (value - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT)

    def top(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.y[0]) / (self.y[1] - self.y[0]) * (HEIGHT - TOP - BOTTOM)


def _ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Round numbers that enclose [low, high]: steps of 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    power = 10 ** math.floor(math.log10(span / count))
    step = next(step * power for step in (1, 2, 5, 10) if span / (step * power) <= count)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def _axes(frame: _Frame, across: Iterable[float], up: Iterable[float], x_label: str, y_label: str) -> list[str]:
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value in up:
        y = frame.top(value)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in across:
        x = frame.left(value)
        parts.append(f'<line class="axis" x1="{x:.1f}" y1="{base}" x2="{x:.1f}" y2="{base + 5}"/>')
        parts.append(f'<text x="{x:.1f}" y="{base + 18}" text-anchor="middle">{value:g}</text>')
    middle = (TOP + base) / 2
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{right}" y2="{base}"/>')
    parts.append(f'<text class="name" x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>')
    turned = f'transform="rotate(-90 14 {middle})"'
    parts.append(f'<text class="name" x="14" y="{middle}" text-anchor="middle" {turned}>{y_label}</text>')
    return parts


def _dot(frame: _Frame, x: float, y: float, title: str, kind: str) -> str:
    place = f'cx="{frame.left(x):.1f}" cy="{frame.top(y):.1f}"'
    return f'<circle class="{kind}" {place} r="4"><title>{escape(title)}</title></circle>'


def _svg(parts: Sequence[str], description: str) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description)}">'
    return head + "".join(parts) + "</svg>"
