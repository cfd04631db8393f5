"""The door to annotated matrices: anndata is no part of exodx, and is imported when a cohort is to become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exodx.cohort.cohort import Cohort
    from exodx.cohort.read import Intake


def anndata_class() -> Any:
    """Return the class of annotated matrices; ImportError where the extra ``anndata`` is not installed."""
    from anndata import AnnData

    return AnnData


def to_anndata(cohort: Cohort) -> Any:
    """Return a cohort as an AnnData; see :func:`exodx.cohort.annotated.to_anndata`."""
    from exodx.cohort import annotated

    return annotated.to_anndata(cohort)


def from_anndata(data: Any, intake: Intake | None) -> Cohort:
    """Return the cohort of an AnnData; see :func:`exodx.cohort.annotated.from_anndata`."""
    from exodx.cohort import annotated

    return annotated.from_anndata(data, intake)
