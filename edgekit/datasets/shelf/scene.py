"""Shelves filled with packs: which, how many, how large, in what order and disorder."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from . import store
from .bank import LABELS, Product, Sprite
from .canvas import Canvas, Stamp, stamp
from .pen import hsv

WEIGHTS = (15.0, 18.0, 14.0, 15.0, 18.0, 14.0, 24.0)  # of runs, so that classes come out about equally often
NARROW, LOW = 13.0, 16.0  # pixels at 192: no pack is placed smaller …
FULL = 0.8  # … than this part of it where a shelf is full
LEAST_ROOM = 20.0  # pixels at 192: less stays empty, because few packs would fit
OTHER = LABELS.index("other_pack")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One shop's habits. boards: number of them. run: most facings of a product. few: large packs, wide apart.
    full: small packs without a gap.

    gaps, behind, stacked, messy: chances of a gap after a run, of a second row behind it, of piles in it, and of packs
    that lean or have fallen. widest: widths of the packs at most, in heights.
    """

    full: bool
    boards: float
    run: int
    gaps: float
    behind: float
    stacked: float
    messy: float
    few: bool
    widest: float

    @classmethod
    def of(cls, random: Random) -> Plan:
        kind = random.random()
        few = kind > 0.86
        full = kind < 0.025
        if full:
            boards, run = random.uniform(6.2, 8), 9
        elif kind < 0.05:
            boards, run = random.uniform(4.4, 6), 9
        elif kind < 0.16:
            boards, run = random.uniform(3, 4.4), 7
        elif kind < 0.54:
            boards, run = random.uniform(2, 3), 5
        elif not few:
            boards, run = random.uniform(1.3, 2), 4
        else:
            boards, run = random.uniform(1.05, 1.4), 2
        return cls(
            full=full,
            boards=boards,
            run=random.randint(1, run),
            gaps=0.02 if full else random.choice((0.03, 0.12, 0.12, 0.35)),
            behind=random.choice((0, 0, 0.5, 1)),
            stacked=1 if full else random.choice((0, 0.3, 0.8)),
            messy=random.choice((0, 0, 0.03, 0.1)),
            few=few,
            widest=0.6 if full else 9,
        )


def compose(
    bank: tuple[tuple[Product, ...], ...], plan: Plan, random: Random, height: int, width: int, unit: float
) -> Canvas:
    """A drawn shelf. unit: pixels of the drawing for one pixel of a picture of 192."""
    canvas = Canvas.blank(height, width)
    store.wall(canvas, random, unit)
    room = height / plan.boards
    thick = max(2, round(min(random.uniform(3, 8) * unit, room * 0.16)))
    colour = hsv(random.uniform(0, 360), random.uniform(0, 0.25), random.uniform(0.3, 0.97))
    filler = _Filler(bank=bank, random=random, canvas=canvas, plan=plan, unit=unit)
    floor = room * random.uniform(0.55, 1) - thick if not plan.few else room * random.uniform(0.75, 0.9) - thick
    above, striped = 0.0, random.random() < 0.2
    while floor - 0.5 * room < height:
        level = round(floor)
        store.board(canvas, random, level, thick, colour, unit)
        filler.fill(level, floor - above - 1.5 * unit)
        if striped and thick > 4:
            store.strip(canvas, random, level, thick, unit)
        if random.random() < 0.85:
            store.tags(canvas, random, level, thick, unit)
        above = floor + thick
        floor += room * random.uniform(0.94, 1.06)
    return canvas


def surround(canvas: Canvas, plan: Plan, random: Random, unit: float) -> None:
    """What stands beside, above and before the shelf, now and then."""
    height, width = canvas.shape
    if random.random() < 0.1:
        wide = round(random.uniform(0.1, 0.3) * width)
        left = random.choice((0, width - wide))
        store.aisle(canvas, random, left, left + wide)
    if random.random() < 0.12:
        store.poster(canvas, random, 0, round(random.uniform(0.12, 0.24) * height), 0, width)
    if random.random() < 0.08:
        top, left = round(random.uniform(0.2, 0.7) * height), round(random.uniform(0.1, 0.8) * width)
        size = random.uniform(20, 40) * unit
        store.poster(canvas, random, top, round(top + size), left, round(left + size * random.uniform(0.7, 1.2)))
    if random.random() < 0.14:
        room = min(max(height / plan.boards, 26 * unit), 110 * unit)
        store.arm(canvas, random, random.uniform(0.4, 0.75) * room)
    if random.random() < 0.05:
        store.shopper(canvas, random, unit)


@dataclass(kw_only=True, eq=False)
class _Filler:
    """Fills one board after the other."""

    bank: tuple[tuple[Product, ...], ...]
    random: Random
    canvas: Canvas
    plan: Plan
    unit: float

    def fill(self, floor: int, room: float) -> None:
        """Packs from the left to the right on ``floor`` that are at most ``room`` pixels tall."""
        random, unit = self.random, self.unit
        if room < LEAST_ROOM * unit:
            return
        x, end = random.uniform(-30, 0) * unit, self.canvas.shape[1]
        while x < end:
            label = random.choices(range(len(LABELS)), WEIGHTS)[0]
            product = random.choice(self.bank[label])
            height, width = self._size(product[0], room)
            if height > room or height < product[0].least * unit or product[0].aspect > self.plan.widest:
                continue
            x = self._run(product, label, x, floor, room, height, width)
            if random.random() < self.plan.gaps:
                x += random.uniform(0.3, 2.5) * width
            elif self.plan.few:
                x += random.uniform(0, 0.6) * width
            else:
                x += random.choice((0, 0, 1, random.uniform(0, 0.25) * width))

    def _size(self, sprite: Sprite, room: float) -> tuple[float, float]:
        low, high = sprite.tall
        least = self.unit * (FULL if self.plan.full else 1)
        height = max(room * self.random.uniform(low, high), LOW * least, NARROW * least / sprite.aspect)
        return height, height * sprite.aspect

    def _run(
        self, product: Product, label: int, x: float, floor: int, room: float, height: float, width: float
    ) -> float:
        """Facings of one product; where the next may begin."""
        random, plan = self.random, self.plan
        high, wide = round(height), round(width)
        count, tone = random.randint(1, plan.run), random.uniform(0.86, 1.1)
        stamps = [stamp(view, high, wide) for view in (product if count > 1 else product[:1])]
        step = wide + random.choice((0.0, 0.0, 0.06 * width, -0.07 * width, random.uniform(0, 0.2) * width))
        if random.random() < plan.behind:
            self._behind(stamps, label, x, floor, step, count)
        pile = max(1, int(room // high)) if product[0].aspect > 0.36 else 1
        levels = random.randint(1, min(pile, 3)) if random.random() < plan.stacked else 1
        start = x
        for _ in range(count):
            if x > self.canvas.shape[1]:
                break
            if random.random() < plan.messy:
                x = self._messy(product, label, x, floor, room, high, wide)
                continue
            sink = random.randint(0, max(1, round(self.unit)))
            for level in range(levels if random.random() < 0.9 else 1):
                one = random.choice(stamps)
                shift = round(x + (random.uniform(-0.06, 0.06) * width if level else 0))
                top = floor - sink - high * (level + 1)
                self.canvas.place(one, shift, top, label, tone * random.uniform(0.94, 1.06))
            x += step
        self._ground(floor, round(start), round(x))
        if random.random() < 0.04:
            cover = round(high * random.uniform(0.15, 0.3))
            store.crate(self.canvas, random, floor - cover, floor, round(start - 1), round(x + 1))
        return max(x, start + wide)

    def _behind(self, stamps: list[Stamp], label: int, x: float, floor: int, step: float, count: int) -> None:
        """A second row of the same product, deeper in the shelf: darker, a little higher, between the first ones."""
        random = self.random
        high = stamps[0].shape[0]
        tone, rise, shift = random.uniform(0.5, 0.8), random.uniform(0.02, 0.12) * high, random.uniform(-0.5, 0.5)
        for i in range(count + random.choice((0, 1))):
            left = round(x + (i + shift) * step)
            self.canvas.place(random.choice(stamps), left, floor - round(rise) - high, label, tone)

    def _messy(self, product: Product, label: int, x: float, floor: int, room: float, high: int, wide: int) -> float:
        """A pack that leans, or one that has fallen."""
        random = self.random
        fallen = random.random() < 0.4 and high < 6 * wide
        lean = random.choice((-1, 1)) * (random.uniform(82, 98) if fallen else random.uniform(4, 14))
        one = stamp(random.choice(product), high, wide, lean=lean)
        if one.shape[0] > room:
            return x + wide
        self.canvas.place(one, round(x), floor - one.shape[0], label, random.uniform(0.85, 1.05))
        return x + one.shape[1]

    def _ground(self, floor: int, left: int, right: int) -> None:
        """The dark line between packs and board."""
        deep = max(1, round(self.unit))
        self.canvas.dim(floor - deep, floor, left, right, 0.75)
