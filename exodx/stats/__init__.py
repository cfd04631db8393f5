"""The mathematics of diagnostic accuracy: plain functions of arrays, NumPy and SciPy only."""

from exodx.stats.accuracy import (
    Confusion,
    confusion,
    likelihood_ratios,
    predictive_values,
    sensitivity,
    specificity,
)
from exodx.stats.censoring import CensoredNormal, fit_censored_normal, fit_ros
from exodx.stats.concordance import placements
from exodx.stats.estimate import Estimate
from exodx.stats.intervals import clopper_pearson, logit_interval, wilson
from exodx.stats.logistic import SeparationError, fit_logistic
from exodx.stats.pooling import RandomEffects, SitePooled, pooled_auc, random_effects
from exodx.stats.probability import (
    brier,
    brier_estimate,
    calibration_intercept,
    calibration_slope,
    clip_probability,
    log_loss,
    log_loss_estimate,
)
from exodx.stats.resampled_auc import PermutationTest, auc_bootstrap, auc_permutation, bootstrap_aucs
from exodx.stats.resampling import bootstrap_weights, percentile, resampled_rows
from exodx.stats.roc import auc, auc_cross_validated, auc_delong, auc_difference, roc_curve

__all__ = [
    "CensoredNormal",
    "Confusion",
    "Estimate",
    "RandomEffects",
    "SeparationError",
    "SitePooled",
    "auc",
    "auc_cross_validated",
    "auc_delong",
    "auc_difference",
    "brier",
    "brier_estimate",
    "calibration_intercept",
    "calibration_slope",
    "clip_probability",
    "clopper_pearson",
    "confusion",
    "fit_censored_normal",
    "fit_logistic",
    "fit_ros",
    "likelihood_ratios",
    "log_loss",
    "log_loss_estimate",
    "logit_interval",
    "placements",
    "pooled_auc",
    "predictive_values",
    "random_effects",
    "roc_curve",
    "sensitivity",
    "specificity",
    "wilson",
]
