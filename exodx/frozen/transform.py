"""The frozen assay transform: from raw measurements to features, by numbers found in training.

A chain of steps, each a frozen state with one ``apply``; the last gives features. Every operation acts on whole columns in a fixed
order, so a specimen alone gets the bits it gets in a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np

from exodx.frozen.encoding import ND, FeatureEncoding
from exodx.frozen.measurements import Features, Measurements
from exodx.frozen.normalisation import InterplateCorrection, LogRatios, QuantileNormalisation, ReferenceNormalisation, ratio_name
from exodx.frozen.quality import QualityGate
from exodx.frozen.scale import Log2Scale


class Step(Protocol):
    """What every step but the last does: a dataclass of plain numbers and names."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def apply(self, m: Measurements) -> Measurements:
        """Return the measurements one step further."""
        ...


STEPS: Mapping[str, type] = MappingProxyType(
    {
        step.__name__: step
        for step in (
            QualityGate,
            InterplateCorrection,
            Log2Scale,
            ReferenceNormalisation,
            QuantileNormalisation,
            LogRatios,
            FeatureEncoding,
        )
    }
)
"""Every step a bundle may name."""


@dataclass(frozen=True, slots=True)
class FrozenTransform:
    """The steps in order and the encoding that ends them; JSON in, JSON out.

    Parameters
    ----------
    steps : tuple of Step
    encoding : FeatureEncoding
    """

    steps: tuple[Step, ...]
    encoding: FeatureEncoding

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names."""
        return self.encoding.names

    @property
    def gate(self) -> QualityGate:
        """The quality rules with what they learned."""
        return next(step for step in self.steps if isinstance(step, QualityGate))

    @property
    def scale(self) -> Log2Scale:
        """The step that brings every analyte to log2 quantities."""
        return next(step for step in self.steps if isinstance(step, Log2Scale))

    @property
    def references(self) -> tuple[str, ...]:
        """What is subtracted from the Ct targets; empty where nothing is."""
        found = (s for s in self.steps if isinstance(s, ReferenceNormalisation))
        scales = self.scale.scales
        return next((tuple(s.reference_means) for s in found if any(scales[n] == "ct" for n in s.targets)), ())

    def analytes_of(self, feature: str) -> tuple[str, ...]:
        """Return the analytes that a feature comes from: its own, or the two of a log-ratio."""
        pairs = {ratio_name(pair): pair for step in self.steps if isinstance(step, LogRatios) for pair in step.pairs}
        return pairs.get(feature, (feature.removesuffix(ND),))

    def apply(self, m: Measurements) -> Features:
        """Return the features of raw measurements; of a specimen with a cell that was refused they may be infinite or none."""
        with np.errstate(over="ignore", invalid="ignore"):
            for step in self.steps:
                m = step.apply(m)
        return self.encoding.apply(m)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        return {"steps": [*map(_state, self.steps), _state(self.encoding)]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> FrozenTransform:
        """Rebuild from :meth:`to_dict`."""
        steps = [_step(dict(entry)) for entry in state["steps"]]
        return cls(tuple(steps[:-1]), steps[-1])


def _state(step: Step | FeatureEncoding) -> dict[str, Any]:
    return {"step": type(step).__name__} | (step.to_dict() if isinstance(step, QualityGate) else asdict(step))


def _step(state: dict[str, Any]) -> Any:
    """Rebuild a step; lists were tuples."""
    kind: Any = STEPS[state.pop("step")]
    if kind in (Log2Scale, QualityGate):
        return kind.from_dict(state)
    return kind(**{key: _tuples(value) for key, value in state.items()})


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(v) for key, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def from_format_1(state: Mapping[str, Any]) -> FrozenTransform:
    """Rebuild the transform of a bundle of format 1.

    It had three named steps and no quality rules, and a missing reference stood at its training mean.
    """
    references = {key: _tuples(value) for key, value in state["references"].items() if key != "features"}
    encoding = FeatureEncoding(**{key: _tuples(value) for key, value in state["encoding"].items()})
    scale = Log2Scale.from_dict(state["scale"])
    gate = QualityGate((), scale.scales, (), scale.ct_cutoff)
    return FrozenTransform((gate, scale, ReferenceNormalisation(**references, follow=0.0)), encoding)
