"""What harder designs than random folds say: other sites, later subjects, and labels that mean nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from exodx.cohort import Cohort, site_folds
from exodx.evaluation.audits import Finding
from exodx.evaluation.calls import call_estimates, first_row
from exodx.evaluation.estimates import probability_estimates, site_auc
from exodx.evaluation.evaluation import Evaluation, SiteResult
from exodx.stats import Estimate, SitePooled, auc_cross_validated, auc_difference, difference_of_estimates, pooled_auc
from exodx.training import CrossValidation, PermutedRuns

LOSO, LATER = "leave_one_site_out", "temporal"
TWO_SITES = "two sites tell no interval of their difference to others: it takes three"

FEW_PERMUTATIONS, ALPHA = 19, 0.05
NO_MEAN = 0.02
"""A mean of permuted AUCs this near to one half is none to mind, however many permutations there are."""


def site_estimates(
    cohort: Cohort, by_site: CrossValidation | None, random: Estimate
) -> tuple[tuple[SiteResult, ...], list[Estimate]]:
    """Return each site's AUC (never pooled scores); their random-effects mean, a new site's range, and the gap to random folds.

    Parameters
    ----------
    cohort : Cohort, n specimens
    by_site : CrossValidation, optional
        One site held out at a time.
    random : Estimate
        AUC of random folds.

    Returns
    -------
    sites : tuple of SiteResult
    estimates : list of Estimate
        ``auc_leave_one_site_out``, ``gap_leave_one_site_out`` and, from three sites on, ``auc_new_site``; none where fewer than
        two sites can be evaluated.
    """
    if by_site is None:
        return (), []
    results, found = site_results(cohort, by_site)
    if found is None:
        return results, []
    gap = difference_of_estimates(random, found.estimate, f"gap_{LOSO}")
    if sum(r.auc.lower is not None for r in results) == 2:
        gap = replace(gap, lower=None, upper=None, reason=TWO_SITES)
    return results, [found.estimate, gap, *_new_site(found)]


def site_results(cohort: Cohort, by_site: CrossValidation) -> tuple[tuple[SiteResult, ...], SitePooled | None]:
    """Return each site's AUC and their random-effects mean; none where fewer than two sites can be evaluated."""
    y, subjects = cohort.y, cohort.subjects
    results = []
    for code, site in enumerate(site_folds(cohort.sites)[1]):
        held = by_site.folds[0] == code
        rows = held & np.isfinite(by_site.margin[0])
        found = site_auc(y[rows], by_site.margin[0][rows], subjects[rows])
        results.append(SiteResult(str(site), int(held.sum()), int(y[held].sum()), found))
    if sum(r.auc.lower is not None for r in results) < 2:
        return tuple(results), None
    return tuple(results), pooled_auc([r.auc for r in results], name=f"auc_{LOSO}")


def _new_site(pooled: SitePooled) -> list[Estimate]:
    if pooled.prediction_lower is None or pooled.prediction_upper is None:
        return []
    limits = pooled.prediction_lower, pooled.prediction_upper
    method = "prediction interval of a new site (Higgins 2009)"
    return [replace(pooled.estimate, name="auc_new_site", lower=limits[0], upper=limits[1], method=method)]


def temporal_estimates(
    cohort: Cohort, temporal: CrossValidation | None, random: CrossValidation, overall: Estimate, prevalence: float | None
) -> list[Estimate]:
    """Return how a procedure that learned from the earlier subjects does on the later ones.

    Parameters
    ----------
    cohort : Cohort, n specimens
    temporal : CrossValidation, optional
        Row 0: the cut; rows after it: forward-chaining blocks.
    random : CrossValidation
    overall : Estimate
        AUC of random folds, of all specimens.
    prevalence : float, optional

    Returns
    -------
    list of Estimate
        ``auc_temporal``, the accuracy of calls and of probabilities under ``<name>_temporal``, ``gap_temporal`` (random minus
        temporal), ``gap_temporal_same_specimens`` (on the later specimens alone, paired), ``auc_forward_chaining``.
    """
    if temporal is None:
        return []
    y, subjects = cohort.y, cohort.subjects
    rows = (temporal.folds[0] == 0) & np.isfinite(temporal.margin[0])
    auc = replace(site_auc(y[rows], temporal.margin[0, rows], subjects[rows]), name=f"auc_{LATER}")
    if auc.value is None:
        return [auc]
    found = [auc, difference_of_estimates(overall, auc, f"gap_{LATER}")]
    found += _same_specimens(y, subjects, rows, random, temporal)
    cut = first_row(temporal)
    calls = call_estimates(y, cut, rows, subjects, prevalence)
    values = probability_estimates(y[rows], temporal.margin[:1, rows], subjects[rows])
    found += [replace(e, name=f"{e.name}_{LATER}") for e in (*calls, *values)]
    if prevalence is None:  # said once, of the random design
        found = [e for e in found if e.name.removesuffix(f"_{LATER}") not in ("ppv", "npv")]
    return found + _forward_chaining(y, subjects, temporal)


def _same_specimens(
    y: NDArray[np.int8], subjects: NDArray[np.intp], rows: NDArray[np.bool_], random: CrossValidation, temporal: CrossValidation
) -> list[Estimate]:
    """Return the paired difference on the later specimens, of pairs within a fold of the random design."""
    both = rows & np.isfinite(random.margin).all(axis=0)
    if len(np.unique(y[both])) < 2:
        return []
    later = np.repeat(temporal.margin[:1, both], len(random.folds), axis=0)
    name = f"gap_{LATER}_same_specimens"
    return [auc_difference(y[both], random.margin[:, both], later, random.folds[:, both], subjects[both], name=name)]


def _forward_chaining(y: NDArray[np.int8], subjects: NDArray[np.intp], temporal: CrossValidation) -> list[Estimate]:
    margin, blocks = np.full(len(y), np.nan), np.full(len(y), -1, np.intp)
    for block, (fold, scores) in enumerate(zip(temporal.folds[1:], temporal.margin[1:], strict=True)):
        rows = (fold == 0) & np.isfinite(scores)
        margin[rows], blocks[rows] = scores[rows], block
    rows = blocks >= 0
    if len(np.unique(blocks[rows])) < 2:
        return []
    found = auc_cross_validated(y[rows], margin[None, rows], blocks[None, rows], subjects[rows], name="auc_forward_chaining")
    return [replace(found, method=f"{found.method}, {len(np.unique(blocks[rows]))} blocks")]


def audit_temporal(cohort: Cohort, temporal: CrossValidation | None) -> list[Finding]:
    """Return how many specimens a temporal design leaves out."""
    if temporal is None:
        return []
    out = int((temporal.folds[0] == -1).sum())
    if not out:
        return []
    message = (
        f"{out} of {len(cohort)} specimens take no part in the temporal design: without a date, or later specimens of "
        "subjects that it learned from. Complete the dates."
    )
    return [Finding("temporal_left_out", "note", message)]


def permutation_estimates(permuted: PermutedRuns | None, n: int) -> list[Estimate]:
    """Return the mean and the middle 95 % of the AUCs with permuted labels, and the p-value.

    Parameters
    ----------
    permuted : PermutedRuns, optional
    n : int
        Specimens.
    """
    if permuted is None:
        return []
    aucs = permuted.aucs[np.isfinite(permuted.aucs)]
    mean, (lower, upper) = float(aucs.mean()), np.quantile(aucs, (0.025, 0.975)).tolist()
    dealt = "among subjects within sites" if permuted.within_sites else "among subjects"
    spread = f"SD {aucs.std(ddof=1):.3f}" if len(aucs) > 1 else "one permutation"
    method = f"labels permuted {dealt} {len(aucs)} times, whole procedure, first repeat; {spread}; p = {permuted.p:.3g}"
    reason = f"(1 + permutations that reach {permuted.observed:.3f}) / (1 + {len(aucs)})"
    return [
        Estimate("auc_permuted", mean, min(lower, mean), max(upper, mean), method=method, n=n),
        Estimate("permutation_p", None if np.isnan(permuted.p) else permuted.p, None, None, method=method, n=n, reason=reason),
    ]


def audit_permutation(permuted: PermutedRuns | None) -> list[Finding]:
    """Return whether labels that mean nothing are predicted, and whether the true ones are predicted no better than they."""
    if permuted is None:
        return []
    aucs = permuted.aucs[np.isfinite(permuted.aucs)]
    findings = []
    if len(aucs) > 1 and abs(aucs.mean() - 0.5) > max(NO_MEAN, _noise(aucs)):
        within = (
            "the sites alone then tell the classes apart, or the procedure sees what it must not. Trust leave-one-site-out only."
            if permuted.within_sites
            else "the procedure sees what it must not, or specimens of one subject have several names. Find out before anything."
        )
        dealt = " within sites" if permuted.within_sites else ""
        message = f"With labels permuted{dealt} {len(aucs)} times the mean AUC is {aucs.mean():.3f}, not one half: {within}"
        findings.append(Finding("permutation_fails", "blocking", message))
    if len(aucs) < FEW_PERMUTATIONS:
        message = f"{len(aucs)} permutations cannot give a p below {1 / (1 + len(aucs)):.2g}. Ask for 200."
        findings.append(Finding("permutations_few", "note", message))
    elif permuted.p > ALPHA:
        message = (
            f"{(aucs >= permuted.observed).sum()} of {len(aucs)} permutations of the labels give an AUC of {permuted.observed:.3f} "
            f"or more (p = {permuted.p:.2g}): chance does as well. Do not claim that the panel tells the classes apart."
        )
        findings.append(Finding("permutation_not_beaten", "warning", message))
    return findings


def _noise(aucs: NDArray[np.float64]) -> float:
    """Return how far the mean of permuted AUCs may lie from one half by chance once in a thousand times."""
    n = len(aucs)
    return float(stdtrit(n - 1, 0.9995)) * float(aucs.std(ddof=1)) / float(np.sqrt(n))


def gap_lines(evaluation: Evaluation) -> list[str]:
    """Say what new sites and later subjects cost: random cross-validation minus the harder design, a line each.

    Parameters
    ----------
    evaluation : Evaluation
        Inside a cohort, of one class or (macro AUC) of several; for another cohort there are none.
    """
    by_name = {e.name: e for e in evaluation.estimates}
    of = "macro_auc" if "macro_auc" in by_name else "auc"
    random, lines = by_name.get(of), []
    if is_external(evaluation) or random is None or random.value is None:
        return []
    if evaluation.sites and f"{of}_{LOSO}" not in by_name:
        lines.append("random CV minus leave-one-site-out: not estimated, fewer than two sites can be evaluated alone")
    for name, words in ((LOSO, "leave-one-site-out"), (LATER, "temporal")):
        gap, harder = by_name.get(f"gap_{name}"), by_name.get(f"{of}_{name}")
        if harder is None or harder.value is None:
            continue
        limits = "" if gap is None else "; no interval, see below"
        if gap is not None and gap.lower is not None:
            limits = f" (95 % CI {gap.lower:.3f} to {gap.upper:.3f})"
        line = f"random CV {random.value:.3f} minus {words} {harder.value:.3f} = gap {random.value - harder.value:.3f}{limits}"
        lines.append(line.replace("-0.", "−0."))
    return lines


def is_external(evaluation: Evaluation) -> bool:
    """Say whether a frozen model was held against a cohort it never saw."""
    return evaluation.headline.design == "external cohort"
