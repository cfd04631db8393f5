"""Parts of one specimen's page: where its probability lies, where its values lie among training's, what to measure again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from exodx.frozen import DiagnosticModel, Measurements, State, Threshold
from exodx.report.words import number

WIDTH = 400.0
STRIP = 120.0
NOTHING_AGAIN = "Nothing: every analyte of the panel was measured, and no rule flags the specimen."

_AGAIN = MappingProxyType(
    {
        "REFERENCES_UNDETECTED": "the references, of which none was detected",
        "REPLICATES_DISAGREE": "the wells whose replicates differ",
        "HAEMOLYSED": "another specimen of the subject, drawn without haemolysis",
        "HAEMOLYSIS_SUSPECTED": "another specimen of the subject, if haemolysis is confirmed",
        "SPIKE_DEVIATES": "the specimen from extraction on: a spike-in lies off",
        "DEPTH_TOO_LOW": "the library, with more reads",
        "LOW_DEPTH": "the library, with more reads",
        "NO_READS": "the library: there are no reads in the panel's analytes",
        "INTERPLATE_MISSING": "the inter-plate calibrator of the plate",
        "SPECIMEN_REFUSED": "another specimen, handled as the panel's rules ask",
        "OUT_OF_RANGE": "the analytes whose value lies far outside training's, after a look at unit and dilution",
        "FAR_OUT_OF_DOMAIN": "nothing yet: find out first whether this is the model's assay and unit",
    }
)
_STATES = MappingProxyType({State.NOT_RUN: "not run", State.FAILED_QC: "failed in the instrument's own check"})


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of probability from 0 to 1 as a picture: lengths along it, and the same in words."""

    words: str
    lower: float
    upper: float
    marker: float
    lower_text: str
    upper_text: str
    marker_text: str
    width: float = WIDTH


def call_scale(probability: float, threshold: Threshold) -> Scale:
    """Place a probability on the scale of calls.

    >>> call_scale(0.5, Threshold(0.25, "sensitivity", 0.9, 10, 10)).words
    'Probability 0.500; called positive from 0.2500.'
    """
    lower, upper = threshold.zone or (threshold.positive_from, threshold.positive_from)
    calls = f"called positive from {number(upper, 4)}"
    if lower < upper:
        calls = f"called negative below {number(lower, 4)}, positive from {number(upper, 4)}"
    return Scale(
        words=f"Probability {number(probability)}; {calls}.",
        lower=WIDTH * lower,
        upper=WIDTH * upper,
        marker=WIDTH * probability,
        lower_text=number(lower, 3),
        upper_text=number(upper, 3),
        marker_text=number(probability),
    )


@dataclass(frozen=True, slots=True)
class Strip:
    """A feature's training specimens as a strip (all but the outer 5 % on each side, the middle half, median), and the value."""

    low: float
    first: float
    middle: float
    third: float
    high: float
    value: float
    width: float = STRIP


def training_strip(reference: Mapping[str, Any], feature: str, value: float) -> Strip | None:
    """Place a value among the frozen quantiles of a feature; None where either has no number.

    The strip reaches from the lowest to the highest quantile that the bundle holds; a value beyond stands at its end.
    """
    quantiles = reference["quantiles"][feature]
    if np.isnan(value) or quantiles[0] is None:
        return None
    low, first, middle, third, high = np.interp((0.05, 0.25, 0.5, 0.75, 0.95), reference["probabilities"], quantiles).tolist()
    begin, end = min(quantiles[0], quantiles[-1]), max(quantiles[0], quantiles[-1])
    span = (end - begin) or 1.0
    at = [2 + (STRIP - 4) * min(max((x - begin) / span, 0.0), 1.0) for x in (low, first, middle, third, high, value)]
    return Strip(*at)


def reasons_list(reasons: str) -> list[str]:
    """Return a specimen's reasons one by one.

    >>> reasons_list("OUT_OF_RANGE: far; further; LOW_DEPTH: few reads")
    ['OUT_OF_RANGE: far; further', 'LOW_DEPTH: few reads']
    """
    return [part for part in re.split(r"; (?=[A-Z][A-Z_]+: )", reasons) if part]


def measure_again(model: DiagnosticModel, measurements: Measurements, row: int, reasons: Sequence[str]) -> list[str]:
    """Say what would have to be measured again for the specimen to be scored as the training ones were.

    Parameters
    ----------
    model : DiagnosticModel
    measurements : Measurements
    row : int
    reasons : sequence of str
        ``CODE: sentence``.
    """
    needed = [a.name for a in model.panel.analytes if a.name in measurements.names]
    states = {name: State(int(measurements.states[row, measurements.names.index(name)])) for name in needed}
    again = [f"{name}: {_STATES[state]}" for name, state in states.items() if state in _STATES]
    over = [name for name, state in states.items() if state is State.ABOVE_LOQ]
    again += [f"{name}: above the upper limit of quantification; dilute" for name in over]
    codes = [reason.partition(":")[0] for reason in reasons]
    again += list(dict.fromkeys(_AGAIN[code] for code in codes if code in _AGAIN))
    return again or ([] if codes else [NOTHING_AGAIN])
