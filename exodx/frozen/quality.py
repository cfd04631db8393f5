"""Quality rules on raw measurements: the first step of the frozen transform. It only sets flags; no value changes.

Every rule looks at one specimen and at numbers frozen in training; sums run over columns in a fixed order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exodx.frozen.measurements import Measurements, Reason, is_censored, is_measured
from exodx.frozen.scale import count_matrix
from exodx.libraries.sizes import library_sizes
from exodx.panel import QualityRule, Scale

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_SIGNATURE, MIN_BACKGROUND = 10, 50
"""Members of the haemolysis signature and background analytes that its metric needs."""

NOISE_READS = 5.0
"""Fewer reads count as none in the haemolysis metric, as in its authors' code (10.3390/genes13071288)."""

TO_SD = 1.4826
"""MAD to standard deviation of a normal distribution."""

REASONS: Mapping[str, tuple[Reason, Reason]] = MappingProxyType(
    {
        "haemolysis_ct": (Reason.HAEMOLYSIS_SUSPECTED, Reason.HAEMOLYSED),
        "haemolysis_counts": (Reason.HAEMOLYSIS_SUSPECTED, Reason.HAEMOLYSED),
        "depth": (Reason.LOW_DEPTH, Reason.DEPTH_TOO_LOW),
        "detection": (Reason.LOW_DETECTION, Reason.LOW_DETECTION | Reason.SPECIMEN_REFUSED),
        "spike": (Reason.SPIKE_DEVIATES, Reason.SPIKE_DEVIATES | Reason.SPECIMEN_REFUSED),
        "number": (Reason.SPECIMEN_RULE, Reason.SPECIMEN_REFUSED),
        "words": (Reason.SPECIMEN_RULE, Reason.SPECIMEN_REFUSED),
    }
)
"""Kind of rule → the reasons it gives: where it flags, where it refuses."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule looked at in n specimens.

    Parameters
    ----------
    name : str
        The rule's name; of a spike-in also the analyte's.
    rule : QualityRule
    observed : ndarray of float64, shape (n,)
        NaN where the rule cannot be looked at; infinite where a spike-in was not found.
    flag, refuse : float or None
        The limits in force.
    """

    name: str
    rule: QualityRule
    observed: Floats
    flag: float | None
    refuse: float | None

    @property
    def flagged(self) -> Mask:
        """Say which specimens lie beyond the limit that flags."""
        return beyond(self.observed, self.flag, self.rule)

    @property
    def refused(self) -> Mask:
        """Say which specimens lie beyond the limit that refuses."""
        return beyond(self.observed, self.refuse, self.rule)


def beyond(values: Floats, limit: float | None, rule: QualityRule) -> Mask:
    """Say which values lie beyond a limit on the rule's side; NaN never does, and nothing does without a limit."""
    if limit is None:
        return np.zeros(values.shape, bool)
    if rule.above:
        return np.asarray(values >= limit if rule.inclusive else values > limit)
    return np.asarray(values <= limit if rule.inclusive else values < limit)


def limit_text(rule: QualityRule, limit: float) -> str:
    """Return a limit with its sign.

    >>> limit_text(QualityRule("depth", "depth", flag=1e6, above=False), 1e6)
    '< 1e+06'
    """
    sign = (">" if rule.above else "<") + ("=" if rule.inclusive else "")
    return f"{sign} {limit:g}"


@dataclass(frozen=True, slots=True)
class QualityGate:
    """The quality rules of a panel with what they learned in training.

    Parameters
    ----------
    rules : tuple of QualityRule
        All rules in force, of measurements and of specimen columns.
    scales : dict of str to str
        Scale of each analyte.
    targets : tuple of str
        Analytes whose detection counts.
    ct_cutoff : float
        A Ct above it is not detected.
    ct_pair : tuple of str
        miR-23a-3p and miR-451a in Ct; empty where the panel has not both.
    signature, background : tuple of str
        Analytes of the haemolysis metric of counts, frozen.
    prior_cpm : float
        Added to counts per million in that metric.
    spikes : dict of str to (float, float)
        Training median and MAD of each Ct spike-in.
    not_applied : dict of str to str
        Rules that cannot be looked at with this panel or these training specimens, and why.
    """

    rules: tuple[QualityRule, ...]
    scales: dict[str, str]
    targets: tuple[str, ...]
    ct_cutoff: float
    ct_pair: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()
    background: tuple[str, ...] = ()
    prior_cpm: float = 0.5
    spikes: dict[str, tuple[float, float]] = field(default_factory=dict)
    not_applied: dict[str, str] = field(default_factory=dict)

    def apply(self, m: Measurements) -> Measurements:
        """Return the same measurements with the reasons that the rules give; values and states stay as they are."""
        for check in self.checks(m):
            flag, refuse = REASONS[check.rule.kind]
            m = m.flagged(flag, check.flagged & ~check.refused).flagged(refuse, check.refused)
        return m

    def observed(self, m: Measurements) -> dict[str, Floats]:
        """Return what each rule sees, by its name; shape (n,) each, NaN where it cannot be looked at."""
        return {check.name: check.observed for check in self.checks(m)}

    def checks(self, m: Measurements) -> Iterator[Check]:
        """Yield every rule of measurements that can be looked at, in the order of the rules."""
        for rule in self.rules:
            if rule.is_of_specimen or rule.name in self.not_applied:
                continue
            if rule.kind == "spike":
                yield from self._spike_checks(rule, m)
                continue
            yield Check(rule.name, rule, self._observe(rule, m), rule.flag, rule.refuse)

    def _observe(self, rule: QualityRule, m: Measurements) -> Floats:
        if rule.kind == "haemolysis_ct":
            first, second = (self._detected_ct(m, name) for name in self.ct_pair)
            return first - second
        if rule.kind == "haemolysis_counts":
            return self._signature_metric(m)
        return self.reads(m) if rule.kind == "depth" else self._detection(m)

    def reads(self, m: Measurements) -> Floats:
        """Return the reads of each specimen in the panel's analytes, added in a fixed order; shape (n,)."""
        return library_sizes(count_matrix(m, [name for name, scale in self.scales.items() if scale == Scale.COUNTS]))

    def _detected_ct(self, m: Measurements, name: str) -> Floats:
        values, states = m.column(name)
        return np.where(is_measured(states) & (values <= self.ct_cutoff), values, np.nan)

    def _detection(self, m: Measurements) -> Floats:
        ran, detected = np.zeros(len(m)), np.zeros(len(m))
        for name in self.targets:
            values, states = m.column(name)
            measured = is_measured(states)
            ran += measured | is_censored(states)
            if self.scales[name] == Scale.CT:
                measured = measured & (values <= self.ct_cutoff)
            elif self.scales[name] in (Scale.COUNTS, Scale.CPM):
                measured = measured & (values > 0)
            detected += measured
        return detected / np.where(ran > 0, ran, np.nan)

    def _signature_metric(self, m: Measurements) -> Floats:
        """Mean log2 CPM of the signature minus that of the background."""
        library = self.reads(m)
        library = np.where(library > 0, library, np.nan)
        return self._mean_log2(m, self.signature, library, MIN_SIGNATURE) - self._mean_log2(
            m, self.background, library, MIN_BACKGROUND
        )

    def _mean_log2(self, m: Measurements, names: tuple[str, ...], library: Floats, least: int) -> Floats:
        total, seen = np.zeros(len(m)), np.zeros(len(m))
        for name in names:
            values, states = m.column(name)
            known = is_measured(states) | is_censored(states)
            reads = np.where(is_measured(states) & (values >= NOISE_READS), values, 0.0)
            total += np.where(known, np.log2(1e6 * reads / library + self.prior_cpm), 0.0)
            seen += known
        return total / np.where(seen >= least, seen, np.nan)

    def _spike_checks(self, rule: QualityRule, m: Measurements) -> Iterator[Check]:
        for name, (median, mad) in self.spikes.items():
            values, states = m.column(name)
            away = np.abs(self._detected_ct(m, name) - median)
            lost = is_censored(states) | (is_measured(states) & (values > self.ct_cutoff))
            spread = [rule.robust_sds * TO_SD * mad] if rule.robust_sds is not None and mad > 0 else []
            limits = [*spread, *([rule.flag] if rule.flag is not None else [])]
            yield Check(f"{rule.name} {name}", rule, np.where(lost, np.inf, away), min(limits, default=None), rule.refuse)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        spikes = {name: list(numbers) for name, numbers in self.spikes.items()}
        return {
            **asdict(self),
            "rules": [rule.to_dict() for rule in self.rules],
            "spikes": spikes,
            "not_applied": dict(self.not_applied),
            **{key: list(getattr(self, key)) for key in ("targets", "ct_pair", "signature", "background")},
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> QualityGate:
        """Rebuild from :meth:`to_dict`."""
        rules = tuple(_rule(table) for table in state["rules"])
        spikes = {name: (float(median), float(mad)) for name, (median, mad) in state["spikes"].items()}
        names = {key: tuple(state[key]) for key in ("targets", "ct_pair", "signature", "background")}
        return cls(**{**state, "rules": rules, "spikes": spikes, **names})


def _rule(table: Mapping[str, Any]) -> QualityRule:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return QualityRule(**values)
