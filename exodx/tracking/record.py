"""A run as plain data: everything a reviewer will find in MLflow, before MLflow is touched.

Names a reviewer meets
----------------------
params : ``plan.*``, ``panel.*``, ``chosen.*``
metrics :
    the estimates by name, with ``<name>/lower`` and ``<name>/upper``
    ``findings/blocking``, ``findings/warning``, ``findings/note`` : how many findings of each severity
    ``flow/<what>`` : specimens read, scored …
    ``qc/ok``, ``qc/warn``, ``qc/qc_fail``, ``qc/invalid`` : specimens by status; ``qc/<rule>/flag``, ``qc/<rule>/refuse`` by rule
    ``benefit_curve/from``, ``benefit_curve/to`` : thresholds between which the calls are worth most; absent where nowhere
    ``shap_stability/rank_correlation``, ``shap_stability/top`` : mean ρ of rankings over outer folds; Nogueira of top sets
    ``panel_size/minimal`` : the smallest panel within one standard error of the best
    ``panel_size/auc`` (with ``/lower``, ``/upper``), ``panel_size/stability`` : a step for each number of analytes
    ``sheets/<sheet>/<status>`` : items of a reporting sheet that are filled, draft, author_needed, not_applicable
tags :
    ``exodx.version``, ``exodx.model_id``, ``exodx.model_hash``, fingerprints, ``exodx.synthetic``, ``exodx.findings``,
    ``exodx.sheets.<sheet>``
artifacts :
    ``report.html``, ``evaluation.json``, ``plan.json``, ``panel.toml``, ``figures/*.png`` and ``*.svg``, ``sheets/*``,
    ``model_card.*``
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ChildRun:
    """An outer fold or a held-out site."""

    name: str
    params: dict[str, str]
    metrics: dict[str, float]


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

    def with_more(self, files: dict[str, bytes], tags: dict[str, str], metrics: dict[str, float]) -> RunRecord:
        """Return the record with further files, tags and metrics."""
        return replace(self, files=self.files | files, tags=self.tags | tags, metrics=self.metrics | metrics)
