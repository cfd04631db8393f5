"""A small study with three sites, one of them of one class only, and its figures and pages."""

from dataclasses import dataclass, replace

import pytest

from exodx.cohort import Cohort
from exodx.evaluation import Evaluation, evaluate_inside
from exodx.frozen import DiagnosticModel, Explanation, Features
from exodx.report import (
    analyte_figure,
    beeswarm_figure,
    calibration_figure,
    dependence_figure,
    examples_figure,
    picture,
    roc_figure,
    sites_figure,
    typical_examples,
)
from exodx.scoring import Scores
from exodx.training import Validation, cross_validate, repeated_folds, train_model


@dataclass(frozen=True)
class Study:
    cohort: Cohort
    model: DiagnosticModel
    evaluation: Evaluation
    features: Features
    explanation: Explanation
    validation: Validation

    @property
    def scores(self):
        prediction = self.model.predict(self.cohort.measurements, self.cohort.ids)
        return Scores(prediction, self.explanation, "athero-3-0123abcd", "0" * 64)

    def with_findings(self, *findings):
        return replace(self.evaluation, findings=findings)


@pytest.fixture(scope="session")
def study(make_cohort, fast_plan):
    cohort = make_cohort(n=120, site_case_shares=(0.6, 0.4, 1.0), not_run_share=0.03, seed=3).sorted()
    plan = replace(fast_plan, outer_folds=3, repeats=1)
    random = cross_validate(cohort, plan, repeated_folds(cohort, plan), "nested 3-fold cross-validation", 1, lambda: None)
    by_site = cross_validate(cohort, plan, cohort.codes("site")[None], "leave-one-site-out", 1, lambda: None)
    model = train_model(cohort, plan)
    return Study(
        cohort,
        model,
        evaluate_inside(cohort, model, Validation(random, by_site), 0.2, 0),
        model.transform.apply(cohort.measurements),
        model.explain(cohort.measurements),
        Validation(random, by_site),
    )


@pytest.fixture(scope="session")
def figures(study):
    names = [f.feature for f in study.evaluation.features]
    drawn = {
        "roc": roc_figure(study.evaluation),
        "calibration": calibration_figure(study.evaluation),
        "sites": sites_figure(study.evaluation),
        "shap": beeswarm_figure(study.explanation, study.features),
        "analytes": analyte_figure(study.features, study.cohort.y, "case", names),
        "dependence": dependence_figure(study.explanation, study.features, study.cohort.y, "case"),
        "examples": examples_figure(typical_examples(study.cohort.y, study.validation.random)),
    }
    return {name: picture(figure) for name, figure in drawn.items()}
