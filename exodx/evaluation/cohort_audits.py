"""Findings about the cohort as a file: what was lost or done before it came here, what is mixed in it, what repeats the answer.

Each needs no model and no fold; those that compare the classes keep silent where there is no reference standard.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exodx.cohort import Cohort
from exodx.cohort.columns import UNKNOWN
from exodx.evaluation.audits import CONFOUNDED_WARNS, Finding, severity_of
from exodx.evaluation.identifier_audits import audit_identifiers
from exodx.frozen import State, is_blank
from exodx.frozen.measurements import is_censored, is_measured
from exodx.panel import Scale
from exodx.panel.manifest import fold
from exodx.stats import auc

Floats = NDArray[np.float64]

FEW_READS = 10_000
"""With fewer reads hardly any miRNA but the commonest is counted at all."""

NAMED, LONGEST_NAME = 6, 40
MOST_VALUES, ROWS_A_VALUE = 10, 3
OLDEST = 120

FRACTION_COLUMNS = frozenset(
    {"evtype", "evfraction", "fraction", "source", "material", "matrix", "specimentype", "biofluid", "specimenfluid"}
)
"""Columns, without blanks and signs, that say which fluid or fraction of it a specimen is."""

_TWO_FRACTIONS = re.compile(
    r"\b(?:plasma|serum|urine|csf)\b[\w\s,-]{0,20}\b(?:or|and|versus|vs)\b[\w\s,-]{0,32}\b(?:exosom\w*|vesic\w*|evs?)\b",
    re.IGNORECASE,
)


def audit_file(cohort: Cohort, reads: Floats) -> list[Finding]:
    """Return what can be told of the cohort as a file.

    Parameters
    ----------
    cohort : Cohort, n specimens
    reads : ndarray of float64, shape (n,)
        Reads of each specimen in the panel's analytes; zeros where nothing is counted.
    """
    return [
        *_read_so(cohort),
        *_label_copies(cohort),
        *_two_numbers(cohort),
        *_ages(cohort),
        *_fractions(cohort),
        *_normalised_counts(cohort),
        *_depth(cohort, reads),
        *_sites(cohort),
        *_missing(cohort),
        *_replicates(cohort),
        *audit_identifiers(cohort),
    ]


def _read_so(cohort: Cohort) -> Iterator[Finding]:
    """What reading did and what the file does not hold."""
    yield from (Finding(r.code, "note" if r.code.endswith("_repeated") else "warning", r.message) for r in cohort.remarks)
    if cohort.panel.name.startswith("auto-"):
        message = "The panel was inferred from the columns: look at units and roles, and give a panel file (exodx panel infer)."
        yield Finding("panel_inferred", "note", message)
    if cohort.left_out:
        message = (
            f"{cohort.left_out} specimens without reference standard are left out: a blank is no control. Say why in the report."
        )
        yield Finding("reference_standard_blank", "note", message)
    if cohort.unused is not None and len(cohort.unused.columns):
        message = f"Columns that nothing reads: {_some(list(cohort.unused.columns))}. An analyte among them must be in the panel."
        yield Finding("columns_not_used", "note", message)
    absent = [name for name in ("age", "sex") if not _stated(cohort, name)]
    if absent:
        message = (
            f"{' and '.join(absent).capitalize()} of the subjects not stated: whether the classes differ in it cannot be checked, "
            "and many miRNAs and proteins do. Add the column."
        )
        yield Finding("age_sex_not_stated", "note", message)


def _stated(cohort: Cohort, column: str) -> bool:
    if column not in cohort.specimens:
        return False
    cells = cohort.specimens[column]
    return bool((cells.notna() & (cells.astype(str) != UNKNOWN)).any())


def _label_copies(cohort: Cohort) -> Iterator[Finding]:
    """A column of few values, each in one class only, says the reference standard in other words."""
    if cohort.reference_standard is None:
        return
    unused = cohort.unused if cohort.unused is not None else pd.DataFrame(index=cohort.specimens.index)
    names = [str(name) for name in unused.columns if _tells(list(unused[name]), cohort.y)]
    if names:
        message = (
            f"{_some(names)}: every value stands in one class only, so it says the reference standard in other words. It is left "
            "out of what is learned from; keep it so."
        )
        yield Finding("label_duplicated", "warning", message)
    m = cohort.measurements
    analytes = [n for n in m.names if (~np.isnan(m.column(n)[0])).all() and _tells(m.column(n)[0].tolist(), cohort.y)]
    if analytes:
        message = f"{_some(analytes)}: an analyte of few values, each in one class only: it is the reference standard. Take it out."
        yield Finding("label_duplicated", "blocking", message)


def _tells(cells: Sequence[object], y: NDArray[np.int8]) -> bool:
    n = len(set(cells))
    return 1 < n <= min(MOST_VALUES, len(y) / ROWS_A_VALUE) and len(set(zip(cells, y.tolist(), strict=True))) == n


def _two_numbers(cohort: Cohort) -> Iterator[Finding]:
    """A yes/no fact that was z-scored holds two numbers, neither of them whole."""
    columns: dict[str, Sequence[object]] = {}
    if cohort.unused is not None:
        columns |= {str(name): list(cohort.unused[name]) for name in cohort.unused.columns}
    columns |= {"sex": list(cohort.specimens["sex"])} if "sex" in cohort.specimens else {}
    columns |= {name: cohort.measurements.column(name)[0].tolist() for name in cohort.measurements.names}
    found = {name: pair for name, cells in columns.items() if (pair := _pair(cells))}
    if found:
        shown = "; ".join(f"{_shown(name)}: {low:.3g} or {high:.3g}" for name, (low, high) in list(found.items())[:NAMED])
        more = " …" if len(found) > NAMED else ""
        message = (
            f"{len(found)} columns hold two numbers and no others, neither of them whole ({shown}{more}): "
            "yes/no facts standardised over a cohort. A new specimen cannot be brought to this scale. Start from the raw table."
        )
        yield Finding("binary_standardised", "warning", message)


def _pair(cells: Sequence[object]) -> tuple[float, float] | None:
    """Return the two numbers of a column that holds no others, if neither is whole."""
    stated = [c for c in cells if c == c and not (isinstance(c, str) and (is_blank(c) or c == UNKNOWN))]
    distinct = set(stated)
    if len(distinct) != 2 or len(stated) < 2 * ROWS_A_VALUE:
        return None
    try:
        low, high = sorted(float(str(cell).replace(",", ".")) for cell in distinct)
    except ValueError:
        return None
    return None if low.is_integer() or high.is_integer() or not np.isfinite([low, high]).all() else (low, high)


def _ages(cohort: Cohort) -> Iterator[Finding]:
    if "age" not in cohort.specimens:
        return
    ages = cohort.specimens["age"].to_numpy(np.float64)
    wrong = int(((ages < 0) | (ages > OLDEST)).sum())
    if wrong:
        message = (
            f"{wrong} of {len(ages)} ages are below 0 or above {OLDEST}: no years, but coded or standardised over a cohort. "
            "Give the age in years."
        )
        yield Finding("age_not_years", "warning", message)


def _fractions(cohort: Cohort) -> Iterator[Finding]:
    """Specimens of different fluids or fractions must not be learned from as one."""
    unused = cohort.unused if cohort.unused is not None else pd.DataFrame(index=cohort.specimens.index)
    for name in (*cohort.specimens.columns, *unused.columns):
        cells = [str(c) for c in (cohort.specimens if name in cohort.specimens else unused)[name]]
        said = Counter(c for c in cells if not is_blank(c) and c not in (UNKNOWN, "-"))
        if fold(str(name)) in FRACTION_COLUMNS and len(said) > 1:
            shown = ", ".join(f"{value} ({n})" for value, n in said.most_common())
            message = f"Column {str(name)!r} says {shown}: their levels do not compare. Make a cohort of each."
            yield Finding("fractions_mixed", "warning", message)
        elif len(said) == 1 and (match := _TWO_FRACTIONS.search(next(iter(said)))):
            message = (
                f"Column {str(name)!r} speaks of {match.group(0)!r}: specimens of two fractions may be here, perhaps both of one "
                "subject, and no column tells which. Find out, and make a cohort of each."
            )
            yield Finding("fractions_mixed", "warning", message)


def _normalised_counts(cohort: Cohort) -> Iterator[Finding]:
    columns = [j for j, a in enumerate(cohort.panel.analytes) if a.scale is Scale.CPM]
    values = cohort.measurements.values[:, columns]
    if not (np.nan_to_num(values) % 1).any():
        return
    sums = np.nansum(values, axis=1)
    message = (
        f"{len(columns)} analytes hold reads that are not whole: they were normalised before they came here "
        f"(sums of {sums.min():,.0f} to {sums.max():,.0f} a specimen), so depth and haemolysis by counts cannot "
        "be checked, and a new specimen must be normalised the same way. Start from raw counts."
    )
    yield Finding("counts_normalised_upstream", "warning", message)


def _depth(cohort: Cohort, reads: Floats) -> Iterator[Finding]:
    if not reads.any():
        return
    few = int((reads < FEW_READS).sum())
    if few:
        message = (
            f"{few} of {len(reads)} specimens have under {FEW_READS:,} reads in the panel's analytes (median of all "
            f"{np.median(reads):,.0f}): most analytes cannot be seen in them. Sequence deeper, or set a depth rule."
        )
        yield Finding("depth_low", "warning", message)
    value = _apart(cohort, reads)
    if (severity := severity_of(value)) is not None:
        medians = [f"{np.median(reads[cohort.y == label]):,.0f}" for label in (1, 0)]
        message = (
            f"The number of reads alone tells the classes apart (AUC {value:.2f}; median {medians[0]} in the positive, "
            f"{medians[1]} in the negative class): what is detected follows depth. Sequence both classes alike, in the same runs."
        )
        yield Finding("depth_confounded", severity, message)


def _sites(cohort: Cohort) -> Iterator[Finding]:
    if cohort.reference_standard is None:
        return
    sites, y = np.array(cohort.sites, object), cohort.y
    stated = sorted(set(cohort.sites) - {UNKNOWN})
    one = {s: (int((sites == s).sum()), bool(y[sites == s][0])) for s in stated if len(set(y[sites == s])) == 1}
    if one and len(stated) > 1:
        shown = ", ".join(f"{site} ({n}, all {'positive' if positive else 'negative'})" for site, (n, positive) in one.items())
        message = (
            f"Sites with one class only: {shown}. Such a site has no AUC of its own, and its specimens tell "
            "site from site, not class from class. Collect both classes there, or leave it out."
        )
        yield Finding("site_one_class", "warning", message)


def _missing(cohort: Cohort) -> Iterator[Finding]:
    """How many of the targets' cells hold nothing, and whether that differs between the classes."""
    m = cohort.measurements
    targets = [j for j, analyte in enumerate(cohort.panel.analytes) if analyte.role == "target"]
    states = m.states[:, targets]
    never = [m.names[j] for j in targets if not is_measured(m.states[:, j]).any()]
    if never:
        yield Finding("analyte_never_measured", "warning", f"{_some(never)}: no specimen has a number. Take it out of the panel.")
    if (censored := float(is_censored(states).mean())) > 0:
        message = (
            f"{100 * censored:.1f} % of the targets' cells were looked for and not found{_by_class(cohort, is_censored(states))}."
        )
        yield Finding("cells_undetected", "note", message)
    absent = np.isin(states, (State.NOT_RUN, State.FAILED_QC))
    if not absent.any():
        return
    gaps = int(absent.any(axis=0).sum())
    message = (
        f"{100 * absent.mean():.1f} % of the targets' cells hold no value{_by_class(cohort, absent)}; "
        f"{gaps} of {len(targets)} targets have gaps."
    )
    value = _apart(cohort, absent.mean(axis=1))
    if value > CONFOUNDED_WARNS:
        message += f" How many a specimen lacks tells the classes apart (AUC {value:.2f}): a model can read it. Run all for all."
        yield Finding("missingness", "warning", message)
    else:
        yield Finding("missingness", "note", message)


def _apart(cohort: Cohort, score: Floats) -> float:
    """Return the AUC of a score alone, whichever way it points; 0.5 where there are no two classes."""
    if cohort.reference_standard is None or len(set(cohort.y.tolist())) < 2:
        return 0.5
    value = auc(cohort.y, score)
    return max(value, 1 - value)


def _by_class(cohort: Cohort, cells: NDArray[np.bool_]) -> str:
    if cohort.reference_standard is None or len(set(cohort.y.tolist())) < 2:
        return ""
    shares = [f"{100 * cells[cohort.y == label].mean():.1f} %" for label in (1, 0)]
    return f" ({shares[0]} in the positive, {shares[1]} in the negative class)"


def _replicates(cohort: Cohort) -> Iterator[Finding]:
    if "wells" not in cohort.specimens:
        return
    wells = cohort.specimens["wells"]
    message = (
        f"Replicate wells: {wells.min()} to {wells.max()} a specimen for {len(cohort.panel.analytes)} analytes; their median "
        "(mean of two) was taken. A new specimen must be measured so too."
    )
    yield Finding("replicates_summarised", "note", message)


def _some(names: Sequence[object]) -> str:
    shown = ", ".join(map(_shown, names[:NAMED]))
    return shown + (f" … ({len(names)} in all)" if len(names) > NAMED else "")


def _shown(name: object) -> str:
    text = str(name) or "(no name)"
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
