"""Cohorts with a known truth: disease, yield, haemolysis, heparin, aspirin, sites, plates and detection limits, all under control.

Parameters follow the literature where it gives any (soluble PD-L1: Fujisue 2022, 10.1016/j.ijcard.2021.11.060; heparin on the
spike-in: 10.1160/th13-05-0368); the others are stated assumptions. Simulated data are marked so and never evidence of performance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.panel import Analyte, Panel, Scale
from exodx.panel.analyte import name_key

Floats = NDArray[np.float64]
Codes = dict[str, NDArray[np.intp]]
Shared = dict[str, Floats]

ND_MIDPOINT_CT, ND_SCALE_CT = 36.5, 0.7
YIELD_SD_LOG2 = 0.8
HEPARIN_ON_SPIKE_CT, HEPARIN_CT, ASPIRIN_ON_MIR126_CT = 3.0, 0.3, 0.7
ELISA_CV_LN = 0.10


@dataclass(frozen=True, slots=True)
class Biology:
    """How one analyte behaves: level in controls (on its scale), spread between subjects, shift in cases, red-cell loading."""

    level: float
    sd: float = 0.9
    shift: float = 0.6
    red_cell: float = 0.0
    scale: Scale = Scale.CT


BIOLOGY = MappingProxyType(
    {
        "mir-126-3p": Biology(26.5, 0.9, 0.8, 0.1),
        "mir-145-5p": Biology(31.0, 1.1, 0.8, 0.0),
        "mir-16-5p": Biology(22.0, 0.6, 0.0, 0.9),
        "mir-103a-3p": Biology(26.5, 0.45, 0.0, 0.25),
        "mir-423-5p": Biology(27.0, 0.45, 0.0, 0.1),
        "mir-23a-3p": Biology(26.6, 0.45, 0.0, 0.0),
        "mir-451a": Biology(22.1, 0.9, 0.0, 1.0),
        "cel-mir-39-3p": Biology(21.0, 0.2, 0.0, 0.0),
        "pd-l1": Biology(83.5, 0.45, 0.546, scale=Scale.LINEAR),
    }
)
"""Known analytes: Ct and Ct SD for miRNA; median (pg/mL) and ln SD for proteins."""

_DEFAULT = MappingProxyType(
    {
        Scale.CT: Biology(28.0),
        Scale.COUNTS: Biology(7.0),
        Scale.CPM: Biology(7.0),
        Scale.LINEAR: Biology(100.0, 0.5, 0.4),
        Scale.NORMALISED: Biology(0.0, 1.0, 0.8),
    }
)


@dataclass(frozen=True, slots=True)
class SimulatedStudy:
    """The truth of a simulated study.

    Parameters
    ----------
    n : int
        Specimens.
    site_case_shares : tuple of float
        One site for each, with this share of cases: unequal shares confound site with disease.
    effect : float
        Multiplies every analyte's shift in cases; 0 is a null cohort.
    site_sd, plate_sd : float
        Technical shifts per analyte, in log2 steps.
    plate_size : int
    haemolysed_share : float
        Among controls.
    haemolysed_case_odds : float
        Odds ratio of haemolysis in cases: above 1 the classes were not drawn alike.
    heparin_case_share, aspirin_case_share, aspirin_control_share : float
    repeated_share : float
        Share of subjects with two specimens.
    not_run_share : float
        Cells left blank at random.
    seed : int
    """

    n: int = 200
    site_case_shares: tuple[float, ...] = (0.5, 0.5)
    effect: float = 1.0
    site_sd: float = 0.2
    plate_sd: float = 0.2
    plate_size: int = 24
    haemolysed_share: float = 0.08
    haemolysed_case_odds: float = 1.0
    heparin_case_share: float = 0.0
    aspirin_case_share: float = 0.0
    aspirin_control_share: float = 0.0
    repeated_share: float = 0.0
    not_run_share: float = 0.005
    seed: int = 0


def simulate(panel: Panel, study: SimulatedStudy) -> pd.DataFrame:
    """Simulate a cohort of a panel as a results table.

    Returns
    -------
    DataFrame, n rows
        ``specimen_id, subject_id, site, plate, collection_date, age, sex, group`` (case or control), ``synthetic`` (always yes),
        and a column for each analyte with numbers, ``Undetermined``, ``<LOD`` limits or blanks, as text.

    Examples
    --------
    >>> from exodx.panel import load_panel
    >>> frame = simulate(load_panel("athero-3"), SimulatedStudy(n=40, seed=1))
    >>> sorted(frame["group"].unique()), frame["synthetic"].unique().tolist()
    (['case', 'control'], ['yes'])
    """
    rng = np.random.default_rng(study.seed)
    people = _people(study, rng)
    shared = {
        "yield": rng.normal(0.0, YIELD_SD_LOG2, study.n),
        "red_cells": np.where(rng.random(study.n) < _haemolysed(study)[people["case"]], rng.gamma(4.0, 0.75, study.n), 0.0),
        "heparin": people["case"] * (rng.random(study.n) < study.heparin_case_share),
        "aspirin": rng.random(study.n) < np.where(people["case"], study.aspirin_case_share, study.aspirin_control_share),
        "common": rng.normal(0.0, 1.0, study.n),
    }
    columns = {a.name: _column(a, study, people, shared, rng) for a in panel.analytes}
    return pd.DataFrame({**_specimen_columns(study, people, rng), **columns})


def _haemolysed(study: SimulatedStudy) -> Floats:
    """Return the probability of haemolysis in controls and in cases."""
    odds = study.haemolysed_share / (1.0 - study.haemolysed_share) * np.array([1.0, study.haemolysed_case_odds])
    probability: Floats = odds / (1.0 + odds)
    return probability


def _people(study: SimulatedStudy, rng: np.random.Generator) -> Codes:
    """Deal specimens to subjects, subjects to sites and classes, specimens to plates."""
    n_repeated = int(study.n * study.repeated_share / (1 + study.repeated_share))
    n_subjects = study.n - n_repeated
    subject = np.concatenate([np.arange(n_subjects), np.arange(n_repeated)])
    site_of = np.arange(n_subjects) % len(study.site_case_shares)
    case_of = np.zeros(n_subjects, np.intp)
    for site, share in enumerate(study.site_case_shares):
        members = rng.permutation(np.flatnonzero(site_of == site))
        case_of[members[: round(share * len(members))]] = 1
    plate = rng.permutation(np.arange(study.n) // study.plate_size)
    return {"subject": subject, "site": site_of[subject], "case": case_of[subject], "plate": plate}


def _column(analyte: Analyte, study: SimulatedStudy, people: Codes, shared: Shared, rng: np.random.Generator) -> list[str]:
    biology = _biology(analyte)
    up = {"up": 1.0, "down": -1.0, None: 0.0}[analyte.direction] if analyte.role == "target" else 0.0
    between = biology.sd * _correlated(shared["common"], rng, 0.3 if analyte.role == "target" else 0.0)
    technical = (
        rng.normal(0.0, study.site_sd, people["site"].max() + 1)[people["site"]]
        + rng.normal(0.0, study.plate_sd, people["plate"].max() + 1)[people["plate"]]
    )
    more = between + up * biology.shift * study.effect * people["case"]
    if analyte.scale is Scale.CT:
        texts = _ct(analyte, biology, more, technical, shared, rng)
    elif analyte.scale in (Scale.COUNTS, Scale.CPM):
        mean = np.exp2(biology.level + more + technical + biology.red_cell * shared["red_cells"])
        texts = [str(c) for c in rng.poisson(mean * np.exp2(shared["yield"]))]
    elif analyte.scale is Scale.LINEAR:
        value = biology.level * np.exp(more + 0.3 * technical + rng.normal(0.0, ELISA_CV_LN, study.n))
        texts = [f"<{analyte.lod:g}" if analyte.lod is not None and v < analyte.lod else f"{v:.2f}" for v in value]
    else:
        texts = [f"{v:.4f}" for v in biology.level + more + technical]
    blank = rng.random(study.n) < study.not_run_share
    return ["" if missing else text for missing, text in zip(blank, texts, strict=True)]


def _biology(analyte: Analyte) -> Biology:
    """What is known of an analyte; on another scale than the known one it keeps its spread and shift, not its level."""
    usual = _DEFAULT[analyte.scale]
    known = BIOLOGY.get(name_key(analyte.name), usual)
    return known if analyte.scale is known.scale else replace(known, level=usual.level)


def _correlated(common: Floats, rng: np.random.Generator, correlation: float) -> Floats:
    own: Floats = rng.normal(0.0, 1.0, len(common))
    mixed: Floats = np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own
    return mixed


def _ct(analyte: Analyte, biology: Biology, more: Floats, technical: Floats, shared: Shared, rng: np.random.Generator) -> list[str]:
    spike = analyte.role == "spike_in"
    ct = biology.level - more + technical - biology.red_cell * shared["red_cells"]
    ct = ct - (0.0 if spike else shared["yield"]) + shared["heparin"] * (HEPARIN_ON_SPIKE_CT if spike else HEPARIN_CT)
    if name_key(analyte.name) == "mir-126-3p":
        ct = ct + ASPIRIN_ON_MIR126_CT * shared["aspirin"]
    ct = ct + rng.normal(0.0, 1.0, len(ct)) * (0.20 + 0.07 * np.maximum(ct - 32.0, 0.0)) / np.sqrt(3.0)
    lost = rng.random(len(ct)) < 1.0 / (1.0 + np.exp(-(ct - ND_MIDPOINT_CT) / ND_SCALE_CT))
    return ["Undetermined" if gone or c >= 40 else f"{c:.3f}" for gone, c in zip(lost, ct, strict=True)]


def _specimen_columns(study: SimulatedStudy, people: Codes, rng: np.random.Generator) -> dict[str, object]:
    n_subjects = int(people["subject"].max()) + 1
    age = rng.normal(61.0, 9.0, n_subjects).round().clip(30, 90).astype(int)
    sex = rng.integers(0, 2, n_subjects)
    days = pd.Timestamp("2024-01-08") + pd.to_timedelta(rng.integers(0, 365, study.n), unit="D")
    return {
        "specimen_id": [f"SIM{study.seed}-{i:04d}" for i in range(1, study.n + 1)],
        "subject_id": [f"P{study.seed}-{i + 1:04d}" for i in people["subject"]],
        "site": [f"site {chr(65 + i)}" for i in people["site"]],
        "plate": [f"plate {i + 1}" for i in people["plate"]],
        "collection_date": [d.date().isoformat() for d in days],
        "age": age[people["subject"]],
        "sex": np.where(sex[people["subject"]] == 1, "female", "male"),
        "group": np.where(people["case"] == 1, "case", "control"),
        "synthetic": ["yes"] * study.n,
    }
