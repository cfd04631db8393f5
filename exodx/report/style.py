"""One look for every figure, whatever a user's matplotlib settings are, and PNG and SVG bytes that depend on the content only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Literal

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

INK, QUIET, FAINT = "#1d2733", "#66717e", "#d9dee4"
CASE, OTHER = "#d55e00", "#0072b2"
"""Vermillion and blue of Okabe and Ito: told apart in every common form of colour blindness."""

DPI = 140
LONGEST_NAME = 26

STYLE = MappingProxyType(
    {
        "font.family": ["DejaVu Sans"],
        "font.size": 9.0,
        "text.color": INK,
        "text.parse_math": False,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": INK,
        "axes.titlesize": 10.0,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "legend.frameon": False,
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "svg.fonttype": "none",
        "svg.hashsalt": "exodx",
    }
)
"""Names of analytes come from users: a dollar sign in one is not mathematics."""


_UNDATED = {"Date": None, "Creator": None, "Format": None, "Type": None}
_FONTS = b"'DejaVu Sans', Verdana, sans-serif"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure as the content of a PNG and of an SVG file."""

    png: bytes
    svg: bytes


@contextmanager
def styled() -> Iterator[None]:
    """Draw with matplotlib's defaults and :data:`STYLE`, leaving the caller's settings as they were."""
    with matplotlib.style.context(["default", dict(STYLE)]):
        yield


class Drawing(Figure):
    """A figure that a notebook shows, though no window or pyplot knows of it."""

    def _repr_png_(self) -> bytes:
        return png(self)


def canvas(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty figure of this size in inches, on a canvas of its own: no window, no pyplot."""
    figure = Drawing(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as PNG; the same content gives the same bytes."""
    with styled():
        return _png(figure)


def picture(figure: Figure) -> Picture:
    """Return a figure as PNG and as SVG, laid out once; the same content gives the same bytes.

    Text of the SVG stays text, so that it can be searched and edited; where DejaVu Sans is not installed, Verdana is as wide.
    """
    with styled():
        raster = _png(figure)
        figure.set_layout_engine("none")  # as it lies now
        buffer = BytesIO()
        FigureCanvasSVG(figure).print_svg(buffer, metadata=_UNDATED)
    return Picture(raster, buffer.getvalue().replace(b"'DejaVu Sans'", _FONTS))


def _png(figure: Figure) -> bytes:
    """Draw once: ``savefig`` would draw everything twice."""
    buffer = BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


def value_colours() -> LinearSegmentedColormap:
    """Return the colours of a feature's value, from low to high."""
    return LinearSegmentedColormap.from_list("value", [OTHER, "#a59aa6", CASE])


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name that can be drawn: one line, not too long, only characters that the font has."""
    font = get_font(findfont("DejaVu Sans"))
    drawn = "".join(c if font.get_char_index(ord(c)) else "□" for c in " ".join(name.split()))
    return drawn if len(drawn) <= longest else f"{drawn[: longest - 1]}…"
