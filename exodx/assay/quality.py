"""The learning side of the quality gate: what its rules need to know of the training specimens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exodx.assay.steps import CPM_PRIOR, PRIOR_COUNT, Labels, Learner
from exodx.frozen import Measurements, QualityGate
from exodx.frozen.measurements import is_measured
from exodx.frozen.quality import MIN_BACKGROUND, MIN_SIGNATURE
from exodx.panel import Analyte, Panel, QualityRule, Scale, rules_of
from exodx.panel.analyte import name_key
from exodx.panel.quality import haemolysis_markers

MIN_CPM = 40.0
"""An analyte takes part in the haemolysis metric if it exceeds this in half of the training specimens.

The authors ask for it in as many as the smaller class has (10.3390/genes13071288); labels take no part here.
"""

MIN_LIBRARY = 50
"""Counted analytes that make a library; a targeted panel's reads say nothing of the depth."""

MIN_SPIKE_SPECIMENS = 5
"""Fewer training specimens give no median to deviate from."""


class LearnQuality(Learner):
    """Learn the quality gate: medians of the spike-ins, and the frozen background of the haemolysis metric."""

    def fit(self, X: Measurements, y: Labels = None) -> Self:  # noqa: ARG002
        """Find medians, MADs, signature and background in the training specimens."""
        panel, rules = self.panel, rules_of(self.panel)
        reads = _reads(X, panel)
        mean = float(reads.mean()) if len(reads) else 0.0
        signature, background = _expressed(X, panel, reads)
        state = QualityGate(
            rules=rules,
            scales={a.name: str(a.scale) for a in panel.analytes},
            targets=tuple(a.name for a in panel.with_role("target")),
            ct_cutoff=panel.ct_cutoff,
            ct_pair=_ct_pair(panel),
            signature=signature,
            background=background,
            prior_cpm=1e6 * PRIOR_COUNT / mean if mean > 0 else CPM_PRIOR,
            spikes=_spikes(X, panel),
        )
        why = {rule.name: reason for rule in rules if (reason := _why_not(rule, state, panel))}
        self.state_ = replace(state, not_applied=why)
        return self


def find_analytes(panel: Panel, wanted: Iterable[tuple[str, str]], scale: Scale) -> list[Analyte]:
    """Return the panel's analytes of one scale that are meant, by accession, or by name where they state none."""
    names, accessions = set(), set()
    for name, accession in wanted:
        names.add(name_key(name))
        accessions.add(accession)
    return [
        a
        for a in panel.analytes
        if a.scale is scale and (a.accession in accessions if a.accession is not None else name_key(a.name) in names)
    ]


def _ct_pair(panel: Panel) -> tuple[str, ...]:
    known = haemolysis_markers()
    found = [find_analytes(panel, [pair], Scale.CT) for pair in (known.numerator, known.denominator)]
    return tuple(analytes[0].name for analytes in found) if all(found) else ()


def _reads(m: Measurements, panel: Panel) -> NDArray[np.float64]:
    scales = {a.name: str(a.scale) for a in panel.analytes}
    return QualityGate((), scales, (), panel.ct_cutoff).reads(m)


def _expressed(m: Measurements, panel: Panel, reads: NDArray[np.float64]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the signature's members and the background: expressed analytes, no target declared to differ by class."""
    members = {a.name for a in find_analytes(panel, haemolysis_markers().signature, Scale.COUNTS)}
    usable = reads > 0
    signature, background = list[str](), list[str]()
    for analyte in panel.analytes:
        if analyte.scale is not Scale.COUNTS or analyte.role not in ("target", "reference", "haemolysis"):
            continue
        values, states = m.column(analyte.name)
        cpm = 1e6 * np.where(is_measured(states), values, 0.0)[usable] / reads[usable]
        declared = analyte.role == "target" and analyte.direction is not None
        if not cpm.size or (cpm > MIN_CPM).mean() < 0.5 or (declared and analyte.name in members):
            continue
        (signature if analyte.name in members else background).append(analyte.name)
    return tuple(signature), tuple(background)


def _spikes(m: Measurements, panel: Panel) -> dict[str, tuple[float, float]]:
    found = {}
    for analyte in panel.with_role("spike_in"):
        if analyte.scale is not Scale.CT:
            continue
        values, states = m.column(analyte.name)
        known = values[is_measured(states) & (values <= panel.ct_cutoff)]
        if known.size >= MIN_SPIKE_SPECIMENS:
            median = float(np.median(known))
            found[analyte.name] = (median, float(np.median(np.abs(known - median))))
    return found


def _why_not(rule: QualityRule, state: QualityGate, panel: Panel) -> str:
    """Return why a rule of measurements cannot be looked at; empty where it can."""
    kind, counted = rule.kind, list(state.scales.values()).count(Scale.COUNTS)
    if kind == "haemolysis_ct" and not state.ct_pair:
        return "needs miR-23a-3p and miR-451a, both in Ct"
    if kind == "haemolysis_counts" and (len(state.signature) < MIN_SIGNATURE or len(state.background) < MIN_BACKGROUND):
        found = f"{len(state.signature)} of the signature and {len(state.background)} others are expressed"
        return f"needs {MIN_SIGNATURE} of its 20 miRNAs and {MIN_BACKGROUND} other analytes as counts; {found}"
    if kind == "depth" and not counted:
        return "needs analytes as counts"
    if kind == "depth" and rule not in panel.qc and counted < MIN_LIBRARY:
        return f"needs {MIN_LIBRARY} analytes as counts: the reads of fewer are no library, unless the panel says so"
    if kind == "depth" and rule not in panel.qc and "nanostring" in panel.platform.casefold():
        return "the counts of an nCounter are no sequencing reads, unless the panel says so"
    if kind == "spike" and not state.spikes:
        return f"needs a Ct spike-in detected in {MIN_SPIKE_SPECIMENS} training specimens"
    return ""
