"""The reads of the panel's analytes themselves: nothing is learned."""

from __future__ import annotations

import numpy as np

from exodx.libraries.sizes import Floats, Method, library_sizes


def _learn(counts: Floats) -> Floats:  # noqa: ARG001
    return np.empty(0)


def _reads(counts: Floats, stored: Floats, library: float) -> Floats:  # noqa: ARG001
    return library_sizes(counts)


METHOD = Method("cpm", "reads were taken as log2 counts per million", _learn, _reads)
