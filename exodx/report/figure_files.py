"""The figures of a study as files for a manuscript."""

from __future__ import annotations

from collections.abc import Mapping

from exodx.evaluation import Evaluation
from exodx.report.flow_chart import flow_svg
from exodx.report.style import Picture


def figure_files(pictures: Mapping[str, Picture], evaluation: Evaluation) -> dict[str, bytes]:
    """Return PNG and SVG files by name, and the flow diagram as SVG.

    Parameters
    ----------
    pictures : mapping of str to Picture
    evaluation : Evaluation
    """
    files = {f"{name}.png": drawn.png for name, drawn in pictures.items()} | {
        f"{name}.svg": drawn.svg for name, drawn in pictures.items()
    }
    if evaluation.described is not None:
        files["flow.svg"] = flow_svg(evaluation.described).encode()
    return files
