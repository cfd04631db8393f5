"""The study plan: every choice made before outcomes are seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal

from exodx.errors import InputRefused, Problem
from exodx.panel.declaration import check_table, read_toml

BESIDE = ("panel_curve", "temporal", "permutations", "classes")
"""What may be asked for beside the design, and changes no other number."""
ANSWERS = "answers"
"""What authors say of a finished study is no choice of the study."""
RESTRICTIONS = ("monotone", "selection")
"""What a model may be held to; a plan that does not ask for it is the plan it was before there was such a thing."""


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """Every choice made before outcomes are seen; its hash is logged with the run.

    Parameters
    ----------
    panel : str
        Built-in name, TOML file, or ``auto``.
    label, positive : str, optional
        Column of the reference standard, and its value that means *target condition present*.
    classes : str, optional
        Of a label with several values, those to tell apart, with commas between them; the others are left out.
    specimen, subject, site, plate, date, age, sex : str, optional
        Columns; where not given the usual names are recognised.
    mirbase_release : str, optional
        miRBase release that the names of the miRNA columns come from.
    outer_folds, repeats, inner_folds : int
        Nested cross-validation: ``repeats`` × ``outer_folds`` outer fits, each tuned on ``inner_folds`` inner folds.
    budget : str
        ``quick`` (a first look), ``standard``, or ``thorough``; ``minimal`` (shallow trees alone) is for demonstrations and tests.
    target : str
        What the threshold keeps: ``sensitivity`` or ``specificity``. Or ``youden`` (their largest sum, which is optimistic), or
        ``cost`` (the risk at which a positive call is worth its harm; needs ``harm_ratio`` and ``prevalence``), or ``conformal``
        (within each class the true label is kept in ``target_value`` of specimens; both or no label kept is indeterminate).
    target_value : float
        At least this much of it, out of fold.
    grey_zone : bool
        Make no call between the threshold that keeps ``target_value`` of the sensitivity and the one that keeps as much of the
        specificity; such specimens are indeterminate.
    harm_ratio : float, optional
        Harm of a false positive over harm of a false negative, e.g. 0.1.
    prevalence : float, optional
        Prevalence of use for PPV and NPV; overrides the panel's.
    monotone : bool
        Hold the model to the directions that the panel declares; it is also validated without, and both are reported.
    selection : str
        ``stability``: learn from the features that separate the classes in most halves of the training subjects (for panels with
        many more analytes than specimens); it is also validated on the full panel. ``none``: all features.
    panel_curve : bool
        Also estimate performance against panel size; takes about as long again.
    temporal : bool
        Also hold out the later subjects (about 30 %, by the column of dates) and learn from the earlier alone.
    permutations : int
        Also validate the whole procedure with labels that mean nothing, permuted so often (0: not at all).
    answers : str, optional
        TOML file with the author's answers to the reporting sheets, beside the plan's own file; no part of the study.
    seed : int
        Seed of folds and of XGBoost.
    """

    panel: str = "auto"
    label: str | None = None
    positive: str | None = None
    classes: str | None = None
    specimen: str | None = None
    subject: str | None = None
    site: str | None = None
    plate: str | None = None
    date: str | None = None
    age: str | None = None
    sex: str | None = None
    mirbase_release: str | None = None
    outer_folds: int = 5
    repeats: int = 3
    inner_folds: int = 4
    budget: Literal["minimal", "quick", "standard", "thorough"] = "standard"
    target: Literal["sensitivity", "specificity", "youden", "cost", "conformal"] = "sensitivity"
    target_value: float = 0.90
    grey_zone: bool = False
    harm_ratio: float | None = None
    prevalence: float | None = None
    monotone: bool = False
    selection: Literal["none", "stability"] = "none"
    panel_curve: bool = False
    temporal: bool = False
    permutations: int = 0
    answers: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        kept, costed = self.target in ("sensitivity", "specificity"), self.target == "cost"
        checks = [
            ("outer_folds", self.outer_folds >= 2, "Use at least 2."),
            ("inner_folds", self.inner_folds >= 2, "Use at least 2."),
            ("repeats", self.repeats >= 1, "Use at least 1."),
            ("target_value", 0 < self.target_value < 1, "Write a number between 0 and 1."),
            ("grey_zone", not self.grey_zone or kept, 'Use it with target = "sensitivity" or "specificity".'),
            ("harm_ratio", costed == (self.harm_ratio is not None), 'Give it with target = "cost", and only then.'),
            ("harm_ratio", self.harm_ratio is None or 0 < self.harm_ratio < inf, "Write a number above 0, e.g. 0.1."),
            ("prevalence", not costed or self.prevalence is not None, 'target = "cost" needs the prevalence of use.'),
            ("prevalence", self.prevalence is None or 0 < self.prevalence < 1, "Write a number between 0 and 1."),
            ("classes", self.classes is None or self.positive is None, "Give classes, or one positive value, not both."),
            ("permutations", self.permutations >= 0, "Use 0 or more, e.g. 200."),
            ("seed", 0 <= self.seed < 2**31, "Use a whole number from 0 to 2147483647."),
        ]
        problems = [
            Problem("VALUE_INVALID", f"plan.{key}", repr(getattr(self, key)), fix) for key, valid, fix in checks if not valid
        ]
        if problems:
            raise InputRefused(problems)

    @property
    def specimen_columns(self) -> dict[str, str]:
        """The columns the plan names, by what they hold."""
        keys = ("specimen", "subject", "site", "plate", "date", "age", "sex")
        return {key: value for key in keys if (value := getattr(self, key))}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the plan's content (64 hexadecimal digits); of what stands beside the design, what is asked for."""
        unasked = {key for key in (*BESIDE, *RESTRICTIONS) if getattr(self, key) in (None, False, 0, "", "none")}
        content = {key: value for key, value in asdict(self).items() if key not in {*unasked, ANSWERS}}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_plan(path: str | Path) -> StudyPlan:
    """Read a plan from a TOML file; a file of answers that it names lies beside it.

    Raises
    ------
    InputRefused
        With every problem of the file.
    """
    path = Path(path)
    table = read_toml(path)
    if isinstance(table.get(ANSWERS), str):
        table[ANSWERS] = str(path.parent / table[ANSWERS])
    return parse_plan(table, str(path))


def parse_plan(table: Mapping[str, Any], where: str) -> StudyPlan:
    """Build a plan from a parsed TOML table; unknown keys are refused with the nearest valid name."""
    values, problems = check_table(StudyPlan, table, where)
    if problems:
        raise InputRefused(problems)
    return StudyPlan(**values)
