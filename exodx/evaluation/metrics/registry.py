"""The one list of further metrics: every module of this folder that has a ``METRIC``."""

from __future__ import annotations

from exodx.evaluation.metrics import scaled_brier
from exodx.evaluation.metrics.metric import Metric

METRICS: tuple[Metric, ...] = (scaled_brier.METRIC,)
