"""One measured molecule: its name, unit and role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exodx.panel.units import UNITS, Scale

Kind = Literal["mirna", "mrna", "protein", "lipid", "metabolite", "particle", "other"]
Fraction = Literal["ev", "soluble", "total"]
Role = Literal["target", "reference", "spike_in", "interplate", "haemolysis", "particles", "ev_protein", "tetraspanin"]
Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Analyte:
    """One measured molecule.

    Parameters
    ----------
    name : str
        The name used everywhere: in reports, SHAP columns and the bundle.
    kind : str
        What molecule it is; proteins must say their ``fraction``.
    unit : str
        A key of :data:`exodx.panel.units.UNITS`.
    role : str
        ``target`` (a feature), ``reference`` (subtracted from Ct targets), what amounts are divided by (``particles``,
        ``ev_protein``, ``tetraspanin``), or a control (``spike_in``, ``interplate``, ``haemolysis``). Only targets are features.
    fraction : str, optional
        ``ev``, ``soluble`` or ``total``: exosomal and soluble PD-L1 are different measurements.
    accession : str, optional
        miRBase ``MIMAT…`` or UniProt accession.
    direction : str, optional
        The declared direction in cases, ``up`` or ``down``; checked against the fitted model; imposed on it only
        where a plan says ``monotone``.
    lod : float, optional
        Limit of detection, in ``unit``.
    efficiency : float
        Amplification factor of a Ct assay: 2 doubles in every cycle (100 %); 1.9 to 2.1 are accepted as usual.
    corrects : tuple of str
        Of an inter-plate calibrator: the analytes whose assay it runs; all Ct analytes unless given. A calibrator of all cancels
        where references on the same plate are subtracted.
    aliases : tuple of str
        Other spellings accepted as a column name.
    """

    name: str
    kind: Kind
    unit: str
    role: Role = "target"
    fraction: Fraction | None = None
    accession: str | None = None
    direction: Direction | None = None
    lod: float | None = None
    efficiency: float = 2.0
    corrects: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def scale(self) -> Scale:
        """The scale its unit implies."""
        return UNITS[self.unit]


def name_key(name: str) -> str:
    """Return the form under which two spellings of an analyte's name are the same.

    Case, blanks and the species prefix ``hsa-`` do not count; the arm does: a bare ``miR-126`` never matches ``miR-126-3p``.

    >>> name_key("hsa-miR-126-3p") == name_key(" miR-126-3P")
    True
    """
    return name.strip().casefold().removeprefix("hsa-")
