"""Estimates of several classes, from R repeats (one, for a frozen model on a new cohort) over n specimens and K classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exodx.cohort import Cohort, site_folds
from exodx.evaluation.audits import Finding, audit_discrimination, audit_learned
from exodx.evaluation.class_evaluation import Confusion
from exodx.evaluation.curves import RocBand, roc_band
from exodx.evaluation.estimates import AS_ERRORS, mean_over_repeats, probability_estimates
from exodx.frozen import log_odds, softmax
from exodx.frozen.threshold import INDETERMINATE
from exodx.stats import Estimate, auc_cross_validated, balanced_accuracy, hand_till, macro_auc, multinomial_losses, wilson

Floats = NDArray[np.float64]

NO_CURVE = RocBand((), (), (), ())


@dataclass(frozen=True, slots=True)
class ScoredClasses:
    """Specimens that were scored.

    Parameters
    ----------
    classes : tuple of str, length K
    codes : ndarray of int, shape (n,)
        Class of each specimen.
    subjects : ndarray of int, shape (n,)
    folds : ndarray of int, shape (R, n)
    scores : ndarray, shape (R, n, K)
        Without NaN.
    sure : ndarray of bool, shape (R, n)
        Whether a call is made.
    limited : bool
        Whether calls may be kept back at all.
    """

    classes: tuple[str, ...]
    codes: NDArray[np.intp]
    subjects: NDArray[np.intp]
    folds: NDArray[np.intp]
    scores: Floats
    sure: NDArray[np.bool_]
    limited: bool

    @property
    def odds(self) -> Floats:
        """Log-odds of each class against all others, shape (R, n, K)."""
        return np.stack([log_odds(scores) for scores in self.scores])

    @property
    def present(self) -> list[int]:
        """The classes that have specimens."""
        return [int(k) for k in np.unique(self.codes)]


def class_estimates(s: ScoredClasses) -> list[Estimate]:
    """Return AUCs, accuracy, losses and calibration of each class against the rest."""
    absent = [name for k, name in enumerate(s.classes) if k not in s.present]
    if absent:
        reason = f"no specimen is of class {', '.join(absent)}"
        macro = Estimate("macro_auc", None, None, None, n=len(s.codes), reason=reason)
    else:
        macro = macro_auc(s.codes, s.odds, s.folds, s.subjects)
    odds, estimates = s.odds, [macro]
    for k, name in enumerate(s.classes):
        estimates.append(auc_cross_validated(s.codes == k, odds[:, :, k], s.folds, s.subjects, name=f"auc:{name}"))
    return [*estimates, *_of_probabilities(s), *_of_calls(s), *_calibration(s, odds)]


def _of_probabilities(s: ScoredClasses) -> list[Estimate]:
    numbers = list(range(len(s.classes)))
    shares = [softmax(scores) for scores in s.scores]
    pairs = [hand_till(s.codes, p, numbers, s.subjects) for p in shares]
    losses = [multinomial_losses(s.codes, p, numbers, s.subjects) for p in shares]
    log_losses, briers = ([each[i] for each in losses] for i in (0, 1))
    return [replace(mean_over_repeats(pairs), name="hand_till"), mean_over_repeats(log_losses), mean_over_repeats(briers)]


def _of_calls(s: ScoredClasses) -> list[Estimate]:
    """Return the accuracy of calls; where some are kept back they count as errors, and the accuracy of the others is told too."""
    right = (s.scores.argmax(axis=2) == s.codes) & s.sure
    rate, also = right.mean(axis=0), f", {AS_ERRORS}" if s.limited else ""
    everyone = np.ones(len(s.codes), bool)
    estimates = [_share("accuracy", rate, everyone, s.subjects), balanced_accuracy(s.codes, rate, s.subjects)]
    estimates += [_share(f"sensitivity:{name}", rate, s.codes == k, s.subjects) for k, name in enumerate(s.classes)]
    estimates = [replace(e, method=e.method + also) if e.method else e for e in estimates]
    if not s.limited:
        return estimates
    called = s.sure.mean(axis=0)
    n, made = len(np.unique(s.subjects)), float(called.mean())
    kept = Estimate("accuracy_of_calls", None, None, None, reason="no call was made")
    if made > 0:
        share = min(float(rate.sum() / called.sum()), 1.0)
        kept = Estimate("accuracy_of_calls", share, *wilson(share * made * n, made * n), method="Wilson", n=round(made * n))
    return [*estimates, kept, _share(INDETERMINATE, 1 - called, everyone, s.subjects)]


def _share(name: str, rate: Floats, rows: NDArray[np.bool_], subjects: NDArray[np.intp]) -> Estimate:
    """Return a mean over specimens with Wilson's interval, of as many as there are subjects."""
    n = len(np.unique(subjects[rows]))
    if not n:
        return Estimate(name, None, None, None, reason="there is no such specimen")
    value = float(rate[rows].mean())
    return Estimate(name, value, *wilson(value * n, n), method="Wilson", n=n)


def _calibration(s: ScoredClasses, odds: Floats) -> list[Estimate]:
    found = []
    for k, name in enumerate(s.classes):
        y = (s.codes == k).astype(np.int8)
        if k in s.present:
            slope, intercept = probability_estimates(y, odds[:, :, k], s.subjects)[2:]
            found += [replace(slope, name=f"calibration_slope:{name}"), replace(intercept, name=f"calibration_intercept:{name}")]
    return found


def confusion_table(s: ScoredClasses) -> Confusion:
    """Return how often each class was called each, as means over repeats."""
    k = len(s.classes)
    calls = np.where(s.sure, s.scores.argmax(axis=2), k)
    counts = np.zeros((k, k + 1))
    for repeat in calls:
        np.add.at(counts, (s.codes, repeat), 1.0 / len(calls))
    called = (*s.classes, INDETERMINATE) if s.limited else s.classes
    return Confusion(called, tuple(tuple(row[: len(called)]) for row in counts.tolist()))


def class_rocs(s: ScoredClasses, seed: int) -> tuple[RocBand, ...]:
    """Return the ROC curve of each class against the rest, by its mean log-odds over repeats."""
    mean = s.odds.mean(axis=0)
    return tuple(
        roc_band((s.codes == k).astype(np.int8), mean[:, k], s.subjects, seed) if k in s.present else NO_CURVE
        for k in range(len(s.classes))
    )


def class_flow(cohort: Cohort, scored: NDArray[np.bool_]) -> dict[str, int]:
    """Return how many specimens came, of which class, and were scored (STARD's flow)."""
    flow = {
        "specimens read": len(cohort) + cohort.left_out,
        "without one of the classes": cohort.left_out,
        "specimens": len(cohort),
        "subjects": len(np.unique(cohort.subjects)),
        **{f"of class {name}": int((cohort.class_codes == k).sum()) for k, name in enumerate(cohort.classes)},
        "scored": int(scored.sum()),
        "not reported": int((~scored).sum()),
    }
    names = site_folds(cohort.sites)[1]
    return flow | ({"sites": len(names)} if names else {})


def audit_classes_learned(classes: Sequence[str], estimates: Sequence[Estimate]) -> list[Finding]:
    """Return whether classes held out in turn are told apart: the whole, and which class is not told from the rest.

    Parameters
    ----------
    classes : sequence of str
    estimates : sequence of Estimate
        With ``macro_auc`` and ``auc:CLASS``.
    """
    by_name = {e.name: e for e in estimates}
    each = [(name, audit_learned(by_name[f"auc:{name}"])) for name in classes]
    return _whole_and_classes(audit_learned(by_name["macro_auc"]), each)


def audit_classes_discrimination(classes: Sequence[str], estimates: Sequence[Estimate]) -> list[Finding]:
    """Return whether a frozen model tells the classes of new specimens apart and the right way round, and which it does not.

    Whether it does so less well than at training is not told: of 40 simulated cohorts that nobody altered five would be named, for
    what the inner folds of each class gave was chosen for, and has no interval.

    Parameters
    ----------
    classes : sequence of str
    estimates : sequence of Estimate
        With ``macro_auc`` and ``auc:CLASS``.
    """
    by_name = {e.name: e for e in estimates}
    each = [(name, audit_discrimination(by_name[f"auc:{name}"])) for name in classes]
    return _whole_and_classes(audit_discrimination(by_name["macro_auc"]), each)


def _whole_and_classes(whole: Sequence[Finding], each: Sequence[tuple[str, Sequence[Finding]]]) -> list[Finding]:
    """Tell of classes what the whole does not say; classes the wrong way round are named, unless all are."""
    inverted = [name for name, found in each if any(f.severity == "blocking" for f in found)]
    if 0 < len(inverted) < len(each):
        whole = [f for f in whole if f.severity != "blocking"]
    said = {f.code for f in whole} | ({"no_discrimination"} if any(f.severity == "blocking" for f in whole) else set())
    return [*whole, *(_of([name], f) for name, found in each for f in found if f.code not in said)]


def merge_findings(by_class: Sequence[tuple[str, Sequence[Finding]]]) -> list[Finding]:
    """Return the findings of every class against the rest: what holds of all classes once, else with the classes named.

    >>> found = Finding("site_confounded", "warning", "The site alone tells the classes apart.")
    >>> [f.message for f in merge_findings([("A", [found]), ("B", [])])]
    ['A against the rest: The site alone tells the classes apart.']
    """
    told: dict[Finding, list[str]] = {}
    for name, findings in by_class:
        for finding in findings:
            told.setdefault(finding, []).append(name)
    return [f if len(names) == len(by_class) else _of(names, f) for f, names in told.items()]


def _of(names: Sequence[str], finding: Finding) -> Finding:
    return replace(finding, message=f"{', '.join(names)} against the rest: {finding.message}")
