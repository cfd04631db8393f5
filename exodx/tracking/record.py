"""A run as plain data: everything a reviewer will find in MLflow, before MLflow is touched.

The one table of names that a reviewer meets
--------------------------------------------
params :
    ``plan.<key>`` : every choice of the study plan, made before outcomes were seen
    ``panel.<key>`` : what was measured, and how it is normalised
    ``class.<k>`` : the classes, where there are several
    ``chosen.<what>`` : what was learned: members, references, threshold, calibrator
metrics :
    the estimates by name, with ``<name>/lower`` and ``<name>/upper``, the ends of the interval; ``<name>:<class>`` of one class
    of several
    ``parent/<name>`` : the estimates of a recalibrated model's parent
    ``findings/blocking``, ``findings/warning``, ``findings/note`` : how many findings of each severity
    ``flow/<what>`` : specimens read, scored …
    ``qc/ok``, ``qc/warn``, ``qc/qc_fail``, ``qc/invalid`` : specimens by status; ``qc/<rule>/flag``, ``qc/<rule>/refuse`` by rule
    ``benefit_curve/from``, ``benefit_curve/to`` : thresholds between which the calls are worth most; absent where nowhere
    ``shap_stability/rank_correlation``, ``shap_stability/top`` : mean ρ of rankings over outer folds; Nogueira of top sets
    ``panel_size/minimal`` : the smallest panel within one standard error of the best
    ``panel_size/auc`` (with ``/lower``, ``/upper``), ``panel_size/stability`` : a step for each number of analytes
    ``sheets/<sheet>/<status>`` : items of a reporting sheet that are filled, draft, author_needed, not_applicable
child runs :
    ``repeat 1, fold 1`` (kind ``outer fold``): params ``share.<member>``, ``references``, ``limit``; metrics
    ``threshold``, ``n_train``, ``n_held``, ``auc``
    ``held-out <site>`` (kind ``held-out site``): params ``site``, ``class``; metrics ``n``, ``n_positive``, ``auc`` with its ends
    Trials of the search have none: a search runs inside every outer fold, so they would be hundreds, and a child costs four commits
    of the store; what a fold chose stands in its params.
tags :
    ``exodx.kind`` : ``study``, ``external evaluation``, ``recalibration``, ``review log``; of a child run as above
    ``exodx.version``, ``exodx.model_id``, ``exodx.model_hash``, ``exodx.synthetic``, ``exodx.findings``, ``exodx.headline_design``,
    ``exodx.threshold_chosen_at``, ``exodx.classes``, ``exodx.notice``
    ``exodx.intended_use``, ``exodx.specimen_type``, ``exodx.panel``
    ``exodx.panel_fingerprint``, ``exodx.plan_fingerprint``, ``exodx.cohort_fingerprint``, ``exodx.training_fingerprint``,
    ``exodx.recalibration_fingerprint``
    ``exodx.parent_hash``, ``exodx.parent_version``, ``exodx.recalibrated`` : of a recalibrated model
    ``exodx.record`` : key of the parcel that the run came from, by which sending it again finds it
    ``exodx.git_commit``, ``exodx.study_commit`` : of exodx' own checkout and of the folder that train was run in; ``-dirty``
    where files differ from it; absent where there is none
    ``exodx.sheets.<sheet>`` : a reporting sheet in words
datasets :
    the cohort by its fingerprint (32 hexadecimal digits of it) and its number of specimens: no row, no column, no path
artifacts :
    ``report.html``, ``evaluation.json``, ``plan.json``, ``panel.toml``, ``figures/*.png`` and ``*.svg``, ``sheets/*``,
    ``model_card.*``; ``parent_evaluation.json`` of a recalibration
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ChildRun:
    """An outer fold or a held-out site."""

    name: str
    params: dict[str, str]
    metrics: dict[str, float]
    kind: str = "outer fold"


@dataclass(frozen=True, slots=True)
class UsedCohort:
    """A cohort that a run used, by its fingerprint.

    Parameters
    ----------
    name : str
        Of its panel.
    fingerprint : str
    use : str
        ``training`` or ``evaluation``.
    n_specimens : int
    """

    name: str
    fingerprint: str
    use: str
    n_specimens: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run: plain typed items, no specimen's row or id among them.

    Parameters
    ----------
    experiment, name, description : str
    tags, params : dict of str to str
    metrics : dict of str to float
    curves : dict of str to dict of int to float
        Metrics with a value for each step.
    files : dict of str to bytes
        Artifacts by path.
    children : tuple of ChildRun
    cohorts : tuple of UsedCohort
    about : str
        What the registered model is, for every version of it.
    """

    experiment: str
    name: str
    description: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    files: dict[str, bytes]
    children: tuple[ChildRun, ...] = ()
    curves: dict[str, dict[int, float]] = field(default_factory=dict)
    cohorts: tuple[UsedCohort, ...] = ()
    about: str = ""

    def with_more(self, files: dict[str, bytes], tags: dict[str, str], metrics: dict[str, float]) -> RunRecord:
        """Return the record with further files, tags and metrics."""
        return replace(self, files=self.files | files, tags=self.tags | tags, metrics=self.metrics | metrics)
