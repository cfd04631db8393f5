"""The procedure of exodx as a scikit-learn classifier."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import roc_auc_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_consistent_length, check_is_fitted, column_or_1d

from exodx.cohort import Cohort
from exodx.cohort.standard import usual_positive
from exodx.errors import Problem, nearest
from exodx.estimators.frames import FrameReader, FrameRefused, refusals
from exodx.frozen import Explanation, Prediction, save_bundle
from exodx.panel import Panel, StudyPlan
from exodx.training import train_model

Floats = NDArray[np.float64]
NAMED = 5


class ExodxClassifier(ClassifierMixin, FrameReader):  # type: ignore[misc]
    """Train the one model of exodx (family, calibration, threshold) behind scikit-learn's interface.

    ``fit`` is :func:`exodx.training.train_model`: tuning, weights, calibration and threshold come from inner folds of the training
    specimens. ``model_`` is the :class:`~exodx.DiagnosticModel`, to be saved, scored with and explained like any other. Honest
    estimates of it come from :func:`exodx.run_study`, or from ``cross_val_score`` with the subjects as ``groups``.

    Parameters
    ----------
    panel : Panel or str, optional
        A panel, its name or file; ``auto`` infers one from the columns of a DataFrame. None takes every column as it is, without
        unit or normalisation.
    positive : label, optional
        The class with the target condition. Unless given: ``case``, ``positive``, ``yes`` … if one label is such a word, else
        ``classes_[1]``.
    budget, target, target_value, inner_folds, monotone, selection
        As in :class:`~exodx.StudyPlan`.
    random_state : int
        Seed of folds and trees.

    Attributes
    ----------
    model_ : DiagnosticModel
    classes_ : ndarray, shape (2,)
        Sorted.
    positive_ : label
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    ``predict`` gives the class that the model calls at its threshold, which keeps a sensitivity (unless told otherwise): it is not
    the sign of ``decision_function``. A specimen that a quality rule refuses, or that lies far out of domain, has no probability
    (NaN), and ``predict`` refuses it; :meth:`calls` says why.

    Examples
    --------
    >>> from exodx.cohort import SimulatedStudy, simulate
    >>> from exodx.panel import load_panel
    >>> frame = simulate(load_panel("athero-3"), SimulatedStudy(n=60, haemolysed_share=0, seed=1)).set_index("specimen_id")
    >>> classifier = ExodxClassifier("athero-3", budget="minimal").fit(frame, frame["group"])
    >>> classifier.positive_, classifier.predict_proba(frame).shape
    ('case', (60, 2))
    """

    def __init__(  # noqa: PLR0913  # parameters of their own, so that a search can vary them
        self,
        panel: Panel | str | None = None,
        *,
        positive: Any = None,
        budget: Literal["minimal", "quick", "standard", "thorough"] = "standard",
        target: Literal["sensitivity", "specificity", "youden"] = "sensitivity",
        target_value: float = 0.90,
        inner_folds: int = 4,
        monotone: bool = False,
        selection: Literal["none", "stability"] = "none",
        random_state: Any = 0,
    ) -> None:
        self.panel = panel
        self.positive = positive
        self.budget = budget
        self.target = target
        self.target_value = target_value
        self.inner_folds = inner_folds
        self.monotone = monotone
        self.selection = selection
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Train the model.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Raw measurements in the panel's units; cells may say ``Undetermined``, ``<LOD`` and so on. An array has the panel's
            analytes in order. Other columns of a DataFrame are what they are in a file: a subject, a tube, never a feature.
        y : array, shape (n,)
            Two classes.
        groups : array, shape (n,), optional
            The subject of each specimen, which inner folds never separate; from X's column of subjects unless given. Routed like
            any metadata: ``set_fit_request(groups=True)``.

        Raises
        ------
        FrameRefused
            With every problem found; it is an InputRefused and a ValueError.
        """
        with refusals():
            if y is None:
                raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
            cohort = self._read(X)
            self._label(y, len(cohort))
            codes = np.asarray(column_or_1d(y) == self.positive_, np.int64)
            standard = pd.Series(codes, index=cohort.specimens.index, name="reference_standard")
            cohort = replace(_grouped(cohort, groups), reference_standard=standard, positive_label=str(self.positive_))
            self.model_ = train_model(cohort, self._plan(cohort.panel))
        return self

    def _plan(self, panel: Panel) -> StudyPlan:
        _one_of("target", self.target, ("sensitivity", "specificity", "youden"))
        _one_of("budget", self.budget, ("minimal", "quick", "standard", "thorough"))
        _one_of("selection", self.selection, ("none", "stability"))
        if not isinstance(self.random_state, (int, np.integer)):
            fix = "Give a whole number: the same number, the same model."
            raise FrameRefused(Problem("VALUE_INVALID", "random_state", repr(self.random_state), fix))
        return StudyPlan(
            panel=panel.name,
            inner_folds=self.inner_folds,
            budget=self.budget,
            target=self.target,
            target_value=self.target_value,
            monotone=self.monotone,
            selection=self.selection,
            seed=int(self.random_state),
        )

    def _label(self, y: Any, n: int) -> None:
        """Find the classes and which of them is positive."""
        y = column_or_1d(y, warn=True)
        check_consistent_length(y, np.empty(n))
        if pd.isna(y).any():
            found = f"{int(pd.isna(y).sum())} are blank: Input y contains NaN"
            raise FrameRefused(Problem("LABEL_BLANK", "y", found, "Leave them out."))
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        words = ", ".join(repr(each) for each in self.classes_.tolist()[:NAMED])
        if len(self.classes_) > 2:
            found = "Only binary classification is supported. The type of the target is multiclass"
            raise FrameRefused(
                Problem("CLASSES_SEVERAL", "y", found, "Hold one class against the others, or use exodx.run_class_study.")
            )
        if len(self.classes_) < 2:
            raise FrameRefused(Problem("LABEL_CONSTANT", "y", f"one class, {words}", "Give specimens of both classes."))
        if self.positive is not None and self.positive not in self.classes_.tolist():
            raise FrameRefused(Problem("LABEL_POSITIVE", "positive", f"no label is {self.positive!r}", f"Choose one of {words}."))
        self.positive_ = self._positive()

    def _positive(self) -> Any:
        if self.positive is not None:
            return self.positive
        usual = usual_positive(Counter(str(each) for each in self.classes_))
        return next((each for each in self.classes_.tolist() if str(each) == usual), self.classes_.tolist()[1])

    def _admitted(self, X: Any) -> Cohort:
        """Read specimens as the model's contract takes them."""
        check_is_fitted(self, "model_")
        model = self.model_
        with refusals():
            return self._read(X, fitted=model.panel, reference=model.reference, rules=model.transform.gate.rules)

    def _predicted(self, X: Any) -> Prediction:
        cohort = self._admitted(X)
        prediction: Prediction = self.model_.predict(cohort.measurements, cohort.ids)
        return prediction

    def decision_function(self, X: Any) -> Floats:
        """Return the log-odds of ``classes_[1]``, shape (n,): the model's margin, its sign turned where the other is positive."""
        margin = self._predicted(X).margin
        return margin if self.positive_ == self.classes_[1] else -margin

    def predict_proba(self, X: Any) -> Floats:
        """Return the calibrated probability of each class, shape (n, 2); NaN for specimens that are not scored."""
        p = self._predicted(X).probability
        return np.column_stack([1 - p, p] if self.positive_ == self.classes_[1] else [p, 1 - p])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class that the model calls at its threshold, shape (n,).

        Raises
        ------
        FrameRefused
            When a specimen is not scored: it has no class.
        """
        prediction = self._predicted(X)
        if not prediction.is_scored.all():
            raise FrameRefused(_unscored(prediction))
        called = np.array([call == "positive" for call in prediction.call])
        other = self.classes_[self.classes_ != self.positive_][0]
        labels: NDArray[Any] = np.where(called, np.array([self.positive_]).astype(self.classes_.dtype), other)
        return labels

    def calls(self, X: Any) -> pd.DataFrame:
        """Return what the model says of each specimen: status, call, probability, margin and reasons, a row for every row of X."""
        prediction = self._predicted(X)
        columns = ("status", "call", "probability", "margin", "reasons")
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame({name: list(getattr(prediction, name)) for name in columns}, index=index)

    def explain(self, X: Any) -> Explanation:
        """Return exact SHAP values on the model's margin, shape (n, k): with the base each row sums to it."""
        explanation: Explanation = self.model_.explain(self._admitted(X).measurements)
        return explanation

    def save(self, folder: str | Path) -> str:
        """Write the model as a bundle, which ``exodx predict --model`` and :func:`exodx.load_bundle` take; return its hash."""
        check_is_fitted(self, "model_")
        return save_bundle(self.model_, Path(folder))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags


def scored_auc(classifier: ExodxClassifier, X: Any, y: Any) -> float:
    """Score a classifier by the AUC of the specimens that it scores: for ``scoring=`` where quality rules may refuse some.

    Parameters
    ----------
    classifier : ExodxClassifier
        Fitted.
    X : DataFrame or array, shape (n, p)
    y : array, shape (n,)
    """
    margin = classifier.decision_function(X)
    known = np.isfinite(margin)
    return float(roc_auc_score(np.asarray(y)[known] == classifier.classes_[1], margin[known]))


def _grouped(cohort: Cohort, groups: Any) -> Cohort:
    """Return the cohort with these subjects, where they are given."""
    if groups is None:
        return cohort
    groups = column_or_1d(groups)
    check_consistent_length(groups, cohort.specimens)
    if pd.isna(groups).any():
        found = f"{int(pd.isna(groups).sum())} specimens have no subject"
        raise FrameRefused(Problem("SUBJECT_BLANK", "groups", found, "Name the subject of each specimen."))
    return replace(cohort, specimens=cohort.specimens.assign(subject=[str(group) for group in groups]))


def _one_of(key: str, value: Any, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise FrameRefused(Problem("VALUE_INVALID", key, repr(value), nearest(str(value), valid)))


def _unscored(prediction: Prediction) -> list[Problem]:
    fix = "Leave it out, or ask predict_proba (NaN) or calls, which have a row for every specimen."
    rows = zip(prediction.specimen_ids, prediction.status, prediction.reasons, prediction.is_scored, strict=True)
    return [Problem("NOT_SCORED", f"specimen {name}", f"{status}: {why}", fix) for name, status, why, scored in rows if not scored]
