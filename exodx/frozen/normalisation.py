"""Taking out what is not the analyte, by frozen numbers: the plate, the amount of input, the distribution of a specimen's values.

Each step is a frozen state with one ``apply``; analytes stand in a fixed order: a specimen alone gets the bits it gets in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exodx.frozen.cells import State
from exodx.frozen.measurements import Measurements, Reason, from_columns, is_censored, is_measured
from exodx.libraries.quantiles import to_quantiles


def ratio_name(pair: tuple[str, str]) -> str:
    """Return the name of a log-ratio: its analytes with a slash between them."""
    return "/".join(pair)


@dataclass(frozen=True, slots=True)
class InterplateCorrection:
    """Ct less what the plate's calibrator is off its training mean: Cq′ = Cq − (IPC − frozen grand mean).

    Parameters
    ----------
    grand_means : dict of str to float
        Training mean Ct of each inter-plate calibrator.
    corrects : dict of str to tuple of str
        The Ct analytes that each calibrator corrects; several for one analyte are averaged.
    """

    grand_means: dict[str, float]
    corrects: dict[str, tuple[str, ...]]

    def apply(self, m: Measurements) -> Measurements:
        """Return corrected Ct; a specimen whose plate lacks a calibrator is flagged, and what it corrects stays as it is."""
        off = {name: np.zeros(len(m)) for analytes in self.corrects.values() for name in analytes}
        seen = {name: np.zeros(len(m)) for name in off}
        missing = np.zeros(len(m), bool)
        for calibrator, mean in self.grand_means.items():
            values, states = m.column(calibrator)
            usable = is_measured(states)
            missing |= ~usable
            for name in self.corrects[calibrator]:
                off[name] += np.where(usable, values - mean, 0.0)
                seen[name] += usable
        pairs = ((name, *m.column(name)) for name in m.names)
        columns = [(v - off[name] / np.maximum(seen[name], 1) if name in off else v, s) for name, v, s in pairs]
        return from_columns(m.names, columns, m).flagged(Reason.INTERPLATE_MISSING, missing)


@dataclass(frozen=True, slots=True)
class ReferenceNormalisation:
    """−ΔCt and its like: subtract the mean log2 quantity of the reference analytes from each target (positive = more target).

    References may be reference genes, a frozen list of always expressed analytes, spike-ins, particles or tetraspanins.

    Parameters
    ----------
    targets : tuple of str
        Analytes from which the references are subtracted.
    reference_means : dict of str to float
        Training mean of each reference's log2 quantity.
    follow : float
        A missing reference is taken to lie off its training mean by this share of what the others lie off theirs, so that losing
        one of two references neither shifts the level nor halves its correction.
    needed, wanted : float
        With a smaller share of the references a specimen is not scored, or is warned of; without any it never is.
    """

    targets: tuple[str, ...]
    reference_means: dict[str, float]
    follow: float = 1.0
    needed: float = 0.0
    wanted: float = 1.0

    def apply(self, m: Measurements) -> Measurements:
        """Return the targets' log2 quantities relative to the references; the others as they are."""
        if not (self.reference_means and self.targets):
            return m
        columns = [m.column(name) for name in self.reference_means]
        means = list(self.reference_means.values())
        off, seen = np.zeros(len(m)), np.zeros(len(m))
        for (values, states), mean in zip(columns, means, strict=True):
            off += np.where(is_measured(states), values - mean, 0.0)
            seen += is_measured(states)
        off *= self.follow / np.maximum(seen, 1)
        level = np.zeros(len(m))
        for (values, states), mean in zip(columns, means, strict=True):
            level += np.where(is_measured(states), values, mean + off)
        level /= len(means)
        pairs = ((name, *m.column(name)) for name in m.names)
        out = from_columns(m.names, [(v - level if name in self.targets else v, s) for name, v, s in pairs], m)
        lost = (seen == 0) | (seen < self.needed * len(means))
        out = out.flagged(Reason.REFERENCES_UNDETECTED, lost)
        return out.flagged(Reason.REFERENCE_PARTLY_MISSING, ~lost & (seen < self.wanted * len(means)))


@dataclass(frozen=True, slots=True)
class QuantileNormalisation:
    """Give each specimen's values the training distribution, by rank (frozen quantile normalisation, 10.1093/biostatistics/kxp059).

    Parameters
    ----------
    analytes : tuple of str, length k
    target : tuple of float, length k
        The training distribution, rising.
    """

    analytes: tuple[str, ...]
    target: tuple[float, ...]

    def apply(self, m: Measurements) -> Measurements:
        """Return the values at their ranks in the training distribution; cells without a measured number as they are."""
        columns = [m.column(name) for name in self.analytes]
        values = np.column_stack([np.where(is_measured(s), v, np.nan) for v, s in columns])
        placed = to_quantiles(values, np.array(self.target))
        moved = {
            name: np.where(is_measured(s), placed[:, j], v)
            for j, (name, (v, s)) in enumerate(zip(self.analytes, columns, strict=True))
        }
        pairs = ((name, *m.column(name)) for name in m.names)
        return from_columns(m.names, [(moved.get(name, v), s) for name, v, s in pairs], m)


@dataclass(frozen=True, slots=True)
class LogRatios:
    """The log2 ratio of two analytes of a specimen: free of references, since what multiplies both cancels.

    Parameters
    ----------
    pairs : tuple of (str, str)
    """

    pairs: tuple[tuple[str, str], ...]

    def apply(self, m: Measurements) -> Measurements:
        """Return the measurements with a column ``a/b`` for each pair; not run if either is not, censored if either is."""
        columns = [m.column(name) for name in m.names]
        names = list(m.names)
        for first, second in self.pairs:
            (a, a_states), (b, b_states) = m.column(first), m.column(second)
            lost = is_censored(a_states) | is_censored(b_states)
            known = (is_measured(a_states) | is_censored(a_states)) & (is_measured(b_states) | is_censored(b_states))
            states = np.where(lost, np.uint8(State.UNDETERMINED), np.uint8(State.MEASURED))
            columns.append((a - b, np.where(known, states, np.uint8(State.NOT_RUN))))
            names.append(ratio_name((first, second)))
        return from_columns(names, columns, m)
