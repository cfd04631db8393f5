"""``exodx check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import COHORT, JSON, PANEL, conditions_of, plan_options, say, stated_options, study_plan
from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.cohort import Cohort


@click.command("check")
@COHORT
@PANEL
@plan_options
@stated_options
@JSON
def command(cohort: Path, as_json: bool, **options: Any) -> None:
    """Read and validate a cohort, and count the state of every analyte's cells; all problems are told at once.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.cohort import Intake, read_cohort

    specimens, conditions = options.pop("specimens"), conditions_of(options)
    plan = study_plan(**options)
    data = read_cohort(cohort, Intake.of_plan(plan, specimens, conditions))
    for note in data.notes:
        say(f"· {note}")
    answer = _summary(data)
    if as_json:
        click.echo(json.dumps(answer, indent=1))
        return
    click.echo(_table(answer))


def _summary(cohort: Cohort) -> dict[str, Any]:
    from exodx.assay import learn_transform
    from exodx.cohort import quality_report
    from exodx.frozen import State
    from exodx.frozen.measurements import status_of
    from exodx.panel.markers import read_markers
    from exodx.panel.names import LATEST, release_text

    states, markers = cohort.measurements.states, read_markers()
    transform = learn_transform(cohort.panel, cohort.measurements)
    flags = transform.apply(cohort.measurements).flags
    report = quality_report(cohort, transform.gate, flags)
    statuses = [str(status_of(int(f))) for f in flags]
    analytes = [
        {"analyte": a.name, "label": markers.label(a), "accession": a.accession, "unit": a.unit, "role": a.role}
        | {s.name.lower(): int((states[:, j] == s).sum()) for s in State}
        for j, a in enumerate(cohort.panel.analytes)
    ]
    return {
        "cohort": cohort.source,
        "panel": cohort.panel.name,
        "mirbase": release_text(LATEST),
        "specimens": len(cohort),
        "subjects": len(set(cohort.subjects.tolist())),
        "positive": None if cohort.reference_standard is None else int(cohort.y.sum()),
        "synthetic": cohort.synthetic,
        "status": {s: statuses.count(s) for s in sorted(set(statuses))},
        "not_ok": [{"specimen_id": i, "status": s} for i, s in zip(cohort.ids, statuses, strict=True) if s != "OK"],
        "analytes": analytes,
        "quality": report.to_dict(),
        "notice": RUO,
    }


def _table(answer: dict[str, Any]) -> str:
    states = ("measured", "below_lod", "above_loq", "undetermined", "not_run", "failed_qc")
    width = max(len(row["label"]) for row in answer["analytes"])
    status = ", ".join(f"{n} {s}" for s, n in answer["status"].items())
    lines = [
        f"{answer['cohort']}: {answer['specimens']} specimens of {answer['subjects']} subjects, panel {answer['panel']}; {status}",
        f"names by the tables of miRBase {answer['mirbase']}",
        *(["SIMULATED specimens"] if answer["synthetic"] else []),
        "",
        f"{'analyte':<{width}}  {'unit':<12} {'role':<11}" + "".join(f"{s:>13}" for s in states),
    ]
    for row in answer["analytes"]:
        lines.append(f"{row['label']:<{width}}  {row['unit']:<12} {row['role']:<11}" + "".join(f"{row[s]:>13}" for s in states))
    quality = answer["quality"]
    lines += ["", *(f"{row['specimen_id']}: {row['status']}{_why(quality, row['specimen_id'])}" for row in answer["not_ok"])]
    lines += ["", *(f"{f['severity']} {f['code']}: {f['message']}" for f in quality["cohort_findings"])]
    lines += ["", " → ".join(f"{step['n']} {step['step']}" for step in quality["flow"]), RUO]
    return "\n".join(lines)


def _why(quality: dict[str, Any], specimen: str) -> str:
    found = [
        f"{f['rule']} {f['observed']:.4g} {f['limit']}"
        if isinstance(f["observed"], float)
        else f"{f['rule']} {f['observed'] or ''}"
        for f in quality["findings"]
        if f["specimen"] == specimen
    ]
    return f" ({'; '.join(found)})" if found else ""
