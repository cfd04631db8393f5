"""The mathematics of diagnostic accuracy: plain functions of arrays, NumPy and SciPy only."""

from exodx.stats.accuracy import Confusion, confusion, likelihood_ratios, predictive_values, sensitivity, specificity
from exodx.stats.brier import BrierParts, brier_decomposition, scaled_brier
from exodx.stats.calibration import CalibrationCurve, calibration_curve, observed_expected
from exodx.stats.censoring import CensoredNormal, fit_censored_normal, fit_ros
from exodx.stats.concordance import placements
from exodx.stats.conformal import ConformalRule, TooFewSpecimensError, conformal_rule
from exodx.stats.consistency import auc_bounds, check_consistency
from exodx.stats.differences import difference_of_estimates
from exodx.stats.distribution import Distribution
from exodx.stats.dose_curve import Curve
from exodx.stats.dose_response import CurveFit, fit_curve, lob, lod
from exodx.stats.drift import Reference, Shift, fit_reference, psi, psi_by_chance, shifted
from exodx.stats.estimate import Estimate
from exodx.stats.grey_zone import GreyAccuracy, GreyZone, find_grey_zone, grey_zone_accuracy
from exodx.stats.intervals import clopper_pearson, logit_interval, wilson
from exodx.stats.logistic import SeparationError, fit_logistic
from exodx.stats.monitoring import ReferenceChange, cv_of_log_sd, log_sd, reference_change_value, within_sd
from exodx.stats.multiclass import (
    balanced_accuracy,
    hand_till,
    multinomial_brier,
    multinomial_log_loss,
    multinomial_losses,
    one_vs_rest_aucs,
)
from exodx.stats.net_benefit import DecisionCurve, decision_curve, interventions_avoided, net_benefit, net_benefit_all
from exodx.stats.optimism import Bootstrap632, Optimism, bootstrap_632plus, brier_without_information, optimism_bootstrap
from exodx.stats.paired_calls import PairedShare, compare_calls, tango_interval
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
from exodx.stats.recalibration import Recalibration, prior_shift, recalibrate, refit_intercept, refit_slope
from exodx.stats.resampled_auc import PermutationTest, auc_bootstrap, auc_permutation, bootstrap_aucs
from exodx.stats.resampling import bca, bootstrap_weights, percentile, resampled_rows
from exodx.stats.roc import (
    auc,
    auc_cross_validated,
    auc_delong,
    auc_difference,
    macro_auc,
    macro_auc_difference,
    roc_curve,
)
from exodx.stats.sample_size import (
    Criterion,
    SampleSize,
    cox_snell_from_auc,
    hanley_mcneil_se,
    hanley_mcneil_size,
    max_cox_snell,
    riley_sample_size,
    validation_sample_size,
)
from exodx.stats.selection import selection_stability
from exodx.stats.thresholds import (
    ChosenThreshold,
    threshold_by_cost,
    threshold_for_sensitivity,
    threshold_for_specificity,
    threshold_variability,
    threshold_youden,
)

__all__ = [
    "Bootstrap632",
    "BrierParts",
    "CalibrationCurve",
    "CensoredNormal",
    "ChosenThreshold",
    "ConformalRule",
    "Confusion",
    "Criterion",
    "Curve",
    "CurveFit",
    "DecisionCurve",
    "Distribution",
    "Estimate",
    "GreyAccuracy",
    "GreyZone",
    "Optimism",
    "PairedShare",
    "PermutationTest",
    "RandomEffects",
    "Recalibration",
    "Reference",
    "ReferenceChange",
    "SampleSize",
    "SeparationError",
    "Shift",
    "SitePooled",
    "TooFewSpecimensError",
    "auc",
    "auc_bootstrap",
    "auc_bounds",
    "auc_cross_validated",
    "auc_delong",
    "auc_difference",
    "auc_permutation",
    "balanced_accuracy",
    "bca",
    "bootstrap_632plus",
    "bootstrap_aucs",
    "bootstrap_weights",
    "brier",
    "brier_decomposition",
    "brier_estimate",
    "brier_without_information",
    "calibration_curve",
    "calibration_intercept",
    "calibration_slope",
    "check_consistency",
    "clip_probability",
    "clopper_pearson",
    "compare_calls",
    "conformal_rule",
    "confusion",
    "cox_snell_from_auc",
    "cv_of_log_sd",
    "decision_curve",
    "difference_of_estimates",
    "find_grey_zone",
    "fit_censored_normal",
    "fit_curve",
    "fit_logistic",
    "fit_reference",
    "fit_ros",
    "grey_zone_accuracy",
    "hand_till",
    "hanley_mcneil_se",
    "hanley_mcneil_size",
    "interventions_avoided",
    "likelihood_ratios",
    "lob",
    "lod",
    "log_loss",
    "log_loss_estimate",
    "log_sd",
    "logit_interval",
    "macro_auc",
    "macro_auc_difference",
    "max_cox_snell",
    "multinomial_brier",
    "multinomial_log_loss",
    "multinomial_losses",
    "net_benefit",
    "net_benefit_all",
    "observed_expected",
    "one_vs_rest_aucs",
    "optimism_bootstrap",
    "percentile",
    "placements",
    "pooled_auc",
    "predictive_values",
    "prior_shift",
    "psi",
    "psi_by_chance",
    "random_effects",
    "recalibrate",
    "reference_change_value",
    "refit_intercept",
    "refit_slope",
    "resampled_rows",
    "riley_sample_size",
    "roc_curve",
    "scaled_brier",
    "selection_stability",
    "sensitivity",
    "shifted",
    "specificity",
    "tango_interval",
    "threshold_by_cost",
    "threshold_for_sensitivity",
    "threshold_for_specificity",
    "threshold_variability",
    "threshold_youden",
    "validation_sample_size",
    "wilson",
    "within_sd",
]
