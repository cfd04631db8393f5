"""The flow diagram (STARD 2015, item 19) as SVG: what was read, what was left out and why, what was analysed and called."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from exodx.evaluation import CohortDescription, FlowArm, FlowBox
from exodx.report.rendering import render

WIDTH, GAP, LINE, PAD = 440.0, 18.0, 15.0, 8.0
MAIN, SIDE, ARM = 226.0, 190.0, 210.0
MAIN_CHARACTERS, SIDE_CHARACTERS, ARM_CHARACTERS = 35, 29, 32


@dataclass(frozen=True, slots=True)
class Box:
    """A box with its lines of text, the first one bold."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    out: bool

    @property
    def middle(self) -> float:
        """Where arrows come from and go to."""
        return self.x + self.width / 2

    @property
    def texts(self) -> list[tuple[float, str]]:
        """Each line with its height."""
        return [(self.y + PAD + LINE * (k + 0.75), line) for k, line in enumerate(self.lines)]


@dataclass(frozen=True, slots=True)
class FlowChart:
    """Boxes, the lines between them as SVG paths, the whole height, and the same in words."""

    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    height: float
    words: str
    width: float = WIDTH


def flow_chart(description: CohortDescription) -> FlowChart:
    """Lay out the flow: the trunk from top to bottom, what was left out to its right, the two classes at the end.

    Parameters
    ----------
    description : CohortDescription
    """
    boxes: list[Box] = []
    paths: list[str] = []
    y, above = GAP / 2, None
    for step in description.boxes:
        lines = _lines(step)
        height = 2 * PAD + LINE * len(lines)
        if step.out:
            boxes.append(Box(WIDTH - SIDE - 1, y, SIDE, height, lines, out=True))
            paths.append(f"M{MAIN / 2 + 1:g} {y + height / 2:g}H{WIDTH - SIDE - 1:g}")
        else:
            here = Box(1, y, MAIN, height, lines, out=False)
            if above is not None:
                paths.append(f"M{above.middle:g} {above.y + above.height:g}V{y:g}")
            boxes.append(here)
            above = here
        y += height + GAP
    if above is not None:
        y = _end(description.arms, above, y + GAP / 2, boxes, paths)
    return FlowChart(tuple(boxes), tuple(paths), y, flow_words(description))


def flow_svg(description: CohortDescription) -> str:
    """Return the flow as an SVG that stands by itself or in a page, whose colours it then takes."""
    return render("flow.svg", chart=flow_chart(description))


def _end(arms: Sequence[FlowArm], above: Box, y: float, boxes: list[Box], paths: list[str]) -> float:
    """Lay out the classes side by side below the trunk and return where they end."""
    texts = [_arm_lines(arm) for arm in arms]
    height = 2 * PAD + LINE * max(map(len, texts), default=0)
    for k, lines in enumerate(texts):
        box = Box(1 + (MAIN - ARM) / 2 if k == 0 else WIDTH - ARM - 1, y, ARM, height, lines, out=False)
        fork = y - GAP / 2
        paths.append(f"M{above.middle:g} {above.y + above.height:g}V{fork:g}H{box.middle:g}V{y:g}")
        boxes.append(box)
    return y + height + GAP / 2


def _count(specimens: int, subjects: int | None) -> str:
    return f"{specimens} specimens" if subjects is None else f"{specimens} specimens of {subjects} subjects"


def _lines(step: FlowBox) -> tuple[str, ...]:
    width = SIDE_CHARACTERS if step.out else MAIN_CHARACTERS
    what = f"Left out: {step.what}" if step.out else step.what[:1].upper() + step.what[1:]
    count = _count(step.specimens, step.subjects)
    return (*textwrap.wrap(count, width), *textwrap.wrap(what.replace("_", " "), width))


def _arm_lines(arm: FlowArm) -> tuple[str, ...]:
    calls = _calls(arm)
    return (
        *textwrap.wrap(_count(arm.specimens, arm.subjects), ARM_CHARACTERS),
        *textwrap.wrap(arm.what[:1].upper() + arm.what[1:], ARM_CHARACTERS),
        *(f"called {call}: {n:.4g}" for call, n in calls),
    )


def _calls(arm: FlowArm) -> list[tuple[str, float]]:
    found = [("positive", arm.positive), ("negative", arm.negative), ("indeterminate", arm.indeterminate)]
    return [(call, round(n, 1)) for call, n in found if call != "indeterminate" or n > 0]


def flow_words(description: CohortDescription) -> str:
    """Return the flow in words, for who cannot see it."""
    steps = [f"{'left out, ' if box.out else ''}{box.what}: {_count(box.specimens, box.subjects)}" for box in description.boxes]
    ends = [
        f"{arm.what}: {_count(arm.specimens, arm.subjects)}, " + ", ".join(f"{n:.4g} called {call}" for call, n in _calls(arm))
        for arm in description.arms
    ]
    return "; ".join([*steps, *ends]).replace("_", " ") + "."
