"""Further metrics of probabilities, a file each; every evaluation of two classes tells them, inside and outside."""

from exodx.evaluation.metrics.metric import Metric
from exodx.evaluation.metrics.registry import METRICS

__all__ = ["METRICS", "Metric"]
