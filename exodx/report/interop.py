"""exodx explanations as ``shap.Explanation``, for shap's plots in a notebook. Import it by name: shap takes seconds."""

from __future__ import annotations

import shap

from exodx.frozen import Explanation, Features


def shap_explanation(explanation: Explanation, features: Features) -> shap.Explanation:
    """Return explanations as shap's own type.

    Parameters
    ----------
    explanation : Explanation
    features : Features
        Of the same specimens.

    Returns
    -------
    shap.Explanation
        Values on the calibrated margin; use it with ``shap.plots.beeswarm``, ``waterfall`` and the others.
    """
    return shap.Explanation(
        values=explanation.values, base_values=explanation.base, data=features.values, feature_names=list(explanation.features)
    )
