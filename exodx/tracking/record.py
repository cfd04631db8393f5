"""A run as plain data: everything a reviewer will find in MLflow, before MLflow is touched.

Names a reviewer meets
----------------------
params : ``plan.*``, ``panel.*``, ``chosen.*``
metrics : the estimates by name, with ``<name>/lower`` and ``<name>/upper``
tags : ``exodx.version``, ``exodx.model_id``, ``exodx.model_hash``, fingerprints, ``exodx.synthetic``, ``exodx.findings``
artifacts : ``report.html``, ``evaluation.json``, ``plan.json``, ``panel.toml``, ``figures/*.png``
"""

from __future__ import annotations

from dataclasses import dataclass


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
