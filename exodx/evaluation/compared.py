"""Whether what a plan holds its model to is earned: the same procedure, on the same folds, with and without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from exodx.cohort import Cohort
from exodx.evaluation.audits import Finding
from exodx.stats import Estimate, auc_cross_validated, auc_difference, selection_stability
from exodx.training import CrossValidation

WORSE = 0.01
"""A loss of AUC from which a restriction is not earned, whatever the interval."""
MOST_NAMES = 10

RESTRICTED = MappingProxyType(
    {
        "unconstrained": (
            "monotone_not_earned",
            "held to the panel's directions",
            "without that",
            "Leave monotone out",
        ),
        "full_panel": ("selection_not_earned", "on selected features", "on the full panel", "Leave selection out"),
    }
)
"""What a validation is compared with → code of the finding, both in words, what to do."""


def compared_estimates(cohort: Cohort, random: CrossValidation, compared: Mapping[str, CrossValidation]) -> list[Estimate]:
    """Return ``auc_<name>`` of each procedure compared with, and ``auc_minus_<name>`` of the plan's own less it, paired.

    Where features are selected, also how alike the folds' selections are.

    Parameters
    ----------
    cohort : Cohort, n specimens
    random, compared : CrossValidation
        On the same folds.
    """
    estimates = []
    for name, other in compared.items():
        rows = np.isfinite(random.margin).all(axis=0) & np.isfinite(other.margin).all(axis=0)
        y, folds, subjects = cohort.y[rows], random.folds[:, rows], cohort.subjects[rows]
        ours, theirs = random.margin[:, rows], other.margin[:, rows]
        estimates.append(auc_cross_validated(y, theirs, folds, subjects, name=f"auc_{name}"))
        estimates.append(auc_difference(y, ours, theirs, folds, subjects, name=f"auc_minus_{name}"))
    selections = _selections(random)
    if len(selections) > 1:
        names = sorted({name for fold in random.explanations for name in fold.features}.union(*selections))
        estimates.append(selection_stability([[name in chosen for name in names] for chosen in selections]))
    return estimates


def audit_compared(estimates: Sequence[Estimate], random: CrossValidation) -> list[Finding]:
    """Return the restrictions that are not earned, and which features the folds selected."""
    findings = []
    for name, (code, what, without, fix) in RESTRICTED.items():
        found = next((e for e in estimates if e.name == f"auc_minus_{name}"), None)
        if found is None or found.value is None:
            continue
        if found.value < -WORSE or (found.upper is not None and found.upper < 0):
            message = f"The model {what} separates less well than {without} on the same folds (AUC difference {found}). {fix}."
            findings.append(Finding(code, "warning", message))
    selections = _selections(random)
    if selections:
        often = Counter(name for chosen in selections for name in chosen).most_common(MOST_NAMES)
        names = ", ".join(f"{name} ({count} of {len(selections)} folds)" for name, count in often)
        sizes = sorted(len(chosen) for chosen in selections)
        message = f"Selection inside the folds kept {sizes[0]} to {sizes[-1]} features. Most often: {names}."
        findings.append(Finding("features_selected", "note", message))
    return findings


def _selections(random: CrossValidation) -> list[tuple[str, ...]]:
    return [choice.selected for choice in random.choices if choice.selected]
