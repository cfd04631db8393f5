"""The one list of ways to measure a library of reads: every module of this folder that has a ``METHOD``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from exodx.libraries import cpm, median_of_ratios, tmm, upper_quartile
from exodx.libraries.sizes import Method

METHODS: Mapping[str, Method] = MappingProxyType(
    {each.name: each for each in (cpm.METHOD, median_of_ratios.METHOD, tmm.METHOD, upper_quartile.METHOD)}
)
