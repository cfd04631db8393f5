"""The outcome of an evaluation, as plain data that can be rebuilt from a dict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from exodx.evaluation.audits import Finding
from exodx.evaluation.benefit_curve import BenefitCurve
from exodx.evaluation.curves import CalibrationBin, RocBand
from exodx.evaluation.described import CohortDescription
from exodx.evaluation.explanation_stability import ExplanationStability
from exodx.evaluation.explanations import FeatureSummary
from exodx.evaluation.panel_size import PanelCurve
from exodx.evaluation.shift import CohortShift, FeatureShift
from exodx.evaluation.shown import evaluation_html, evaluation_line
from exodx.evaluation.subgroups import SubgroupResult
from exodx.evaluation.threshold_steps import ThresholdSteps
from exodx.stats import Estimate


@dataclass(frozen=True, slots=True)
class Headline:
    """The number to quote, and the design it comes from."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    design: str


@dataclass(frozen=True, slots=True)
class SiteResult:
    """One site, held out whole."""

    site: str
    n: int
    n_positive: int
    auc: Estimate


@dataclass(frozen=True, slots=True)
class FoldResult:
    """One outer fold: what was chosen, how it did, how many specimens it could learn from, and its inner folds on average."""

    repeat: int
    fold: int
    shares: dict[str, float]
    threshold: float
    n_train: int
    n_held: int
    auc: float | None
    references: tuple[str, ...] = ()
    n_usable: int | None = None
    n_fewer: float | None = None
    selected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a model is, with everything needed to doubt it.

    Parameters
    ----------
    title : str
        What was evaluated: the procedure inside a cohort, or a frozen model on another cohort.
    headline : Headline
    estimates : tuple of Estimate
        ``auc``, ``sensitivity`` … of the random design; ``<name>_leave_one_site_out`` where sites exist; ``auc_<benchmark>`` and
        ``auc_minus_<benchmark>``; ``auc_fewer_specimens`` and ``auc_minus_fewer``; and the same without the restrictions
        of the plan (``unconstrained``, ``full_panel``).
    findings : tuple of Finding
    flow : dict of str to int
        Specimens read, positive, negative, scored, not reported; subjects; sites.
    sites, folds, roc, calibration, features, subgroups, shift
        Empty where they do not apply.
    panel_curve : PanelCurve or None
        Performance against panel size, where it was asked for.
    benefit_curve : BenefitCurve or None
        Net benefit over threshold probabilities.
    explanation_stability : ExplanationStability or None
        How far SHAP values move over the outer folds' models; None for a frozen model.
    quality : dict of str to int
        Specimens by status, and ``<rule>/flag`` and ``<rule>/refuse`` for every rule that found something.
    described : CohortDescription or None
        Flow and table of the cohort; None for a frozen model.
    threshold_steps : ThresholdSteps or None
        Cases and controls above each threshold, out of fold; None for a frozen model.
    prevalence : float or None
        Of use, where it is stated.
    """

    title: str
    headline: Headline
    estimates: tuple[Estimate, ...]
    findings: tuple[Finding, ...]
    flow: dict[str, int]
    roc: RocBand
    calibration: tuple[CalibrationBin, ...]
    sites: tuple[SiteResult, ...] = ()
    folds: tuple[FoldResult, ...] = ()
    features: tuple[FeatureSummary, ...] = ()
    subgroups: tuple[SubgroupResult, ...] = ()
    shift: CohortShift | None = None
    panel_curve: PanelCurve | None = None
    benefit_curve: BenefitCurve | None = None
    explanation_stability: ExplanationStability | None = None
    quality: dict[str, int] = field(default_factory=dict)
    described: CohortDescription | None = None
    threshold_steps: ThresholdSteps | None = None
    prevalence: float | None = None

    def __repr__(self) -> str:
        return evaluation_line(self)

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        return evaluation_html(self)

    def estimate(self, name: str) -> Estimate:
        """Return an estimate by name; KeyError with the names there are."""
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(f"{name!r} is not among {[e.name for e in self.estimates]}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Evaluation:
        """Rebuild from :meth:`to_dict`."""
        return cls(
            title=state["title"],
            headline=Headline(**state["headline"]),
            estimates=tuple(Estimate(**e) for e in state["estimates"]),
            findings=tuple(Finding(**f) for f in state["findings"]),
            flow=dict(state["flow"]),
            roc=RocBand(**{key: tuple(values) for key, values in state["roc"].items()}),
            calibration=tuple(CalibrationBin(**b) for b in state["calibration"]),
            sites=tuple(SiteResult(**{**s, "auc": Estimate(**s["auc"])}) for s in state["sites"]),
            folds=tuple(
                FoldResult(**{**f, "references": tuple(f["references"]), "selected": tuple(f.get("selected", ()))})
                for f in state["folds"]
            ),
            features=tuple(FeatureSummary(**f) for f in state["features"]),
            subgroups=tuple(SubgroupResult(**{**s, "auc": Estimate(**s["auc"])}) for s in state.get("subgroups", ())),
            shift=_shift(state.get("shift")),
            panel_curve=PanelCurve.from_dict(curve) if (curve := state.get("panel_curve")) is not None else None,
            benefit_curve=BenefitCurve.from_dict(curve) if (curve := state.get("benefit_curve")) is not None else None,
            explanation_stability=ExplanationStability.from_dict(found) if (found := state.get("explanation_stability")) else None,
            quality=dict(state.get("quality", {})),
            described=CohortDescription.from_dict(found) if (found := state.get("described")) is not None else None,
            threshold_steps=ThresholdSteps.from_dict(found) if (found := state.get("threshold_steps")) is not None else None,
            prevalence=state.get("prevalence"),
        )


def _shift(state: Mapping[str, Any] | None) -> CohortShift | None:
    if state is None:
        return None
    keys = ("share_positive", "outside", "out_of_domain", "unseen_missingness")
    estimates = {key: Estimate(**state[key]) for key in keys if state.get(key) is not None}
    return CohortShift(**{**state, **estimates, "features": tuple(FeatureShift(**f) for f in state["features"])})
