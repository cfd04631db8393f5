"""``exodx monitor``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import (
    COHORT,
    FILE,
    JSON,
    PANEL,
    PSEUDONYMS,
    check_output,
    conditions_of,
    open_binary,
    plan_options,
    pseudonym_key,
    say,
    stated_options,
    study_plan,
    write_text,
)
from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.evaluation.monitoring import ChangeLimit, Monitoring

MOST_SHOWN, WIDTH = 40, 30


@click.command("monitor")
@COHORT
@PANEL
@click.option("--model", help="Take panel and frozen transform of this model (bundle folder or MLflow URI); it makes no call.")
@click.option("--cv-analytical", type=float, help="CV of the assay (0.1 is 10 %); without, from specimens of one subject and date.")
@click.option("--cv-within", type=float, help="CV within steady subjects, from elsewhere; without, from the repeated specimens.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Share of steady subjects within the limits.")
@plan_options
@stated_options
@PSEUDONYMS
@click.option("-o", "--out", type=FILE, help="Write every change as CSV.")
@JSON
def command(
    cohort: Path,
    model: str | None,
    cv_analytical: float | None,
    cv_within: float | None,
    level: float,
    key_file: Path | None,
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Say which repeated specimens of a subject differ from its first by more than noise: the reference change value.

    Needs subjects and dates. The limits hold the assay's spread and that of steady subjects; a change is no call.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    from exodx.assay import learn_transform
    from exodx.cohort import Intake, read_cohort
    from exodx.cohort.pseudonyms import under_pseudonyms
    from exodx.evaluation.monitoring import Spreads, monitor

    if (model is None) == (options["panel"] is None and options["plan"] is None):
        raise click.UsageError("Give either --model or --panel (or a plan that names one).")
    if out is not None:
        check_output(out, cohort)
    key = pseudonym_key(key_file)
    spreads = Spreads(cv_analytical, cv_within, level)
    frozen = None if model is None else open_binary(model, "exodx monitor --model")[0]
    specimens, conditions = options.pop("specimens"), conditions_of(options)
    intake = Intake.of_plan(study_plan(**options), specimens, conditions)
    if frozen is not None:
        intake = intake.for_model(frozen)
    data = under_pseudonyms(read_cohort(cohort, intake), key)
    for note in data.notes:
        say(f"· {note}")
    transform = learn_transform(data.panel, data.measurements, None) if frozen is None else frozen.transform
    found = monitor(data, transform, spreads)
    if out is not None:
        write_text(_csv(found), out, cohort)
        say(f"changes → {out}")
    click.echo(json.dumps(found.to_dict(), indent=1, ensure_ascii=False) if as_json else _text(found))


def _csv(found: Monitoring) -> str:
    """Return every change, a line each; the last column's head is the notice of research use."""
    import csv
    import io

    limits = {limit.analyte: limit for limit in found.limits}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    from exodx.privacy.cells import guarded

    rows = [asdict(change) | _limits(limits[change.analyte]) for change in found.changes]
    writer.writerow([*rows[0], RUO])
    for row in rows:
        cells = ("" if v is None else f"{v:.6g}" if isinstance(v, float) else guarded(str(v)) for v in (*row.values(), ""))
        writer.writerow(cells)
    return text.getvalue()


def _limits(limit: ChangeLimit) -> dict[str, Any]:
    return {"limit": limit.limit, "limit_fall": limit.fall, "limit_rise": limit.rise, "scale": limit.scale}


def _text(found: Monitoring) -> str:
    """Return the limits, then the changes beyond them."""
    beyond = [change for change in found.changes if change.finding in ("rise", "fall")]
    lines = [
        f"{found.specimens} later specimens of {found.subjects} subjects against the first of each; limits hold "
        f"{100 * found.level:g} % of steady subjects.",
        "",
        f"{'analyte':<{WIDTH}} {'CV assay':>9} {'CV within':>10} {'fall':>8} {'rise':>8}  from",
    ]
    lines += [_limit_line(limit) for limit in found.limits]
    lines += ["", f"{len(beyond)} {'change' if len(beyond) == 1 else 'changes'} beyond the limits" + (":" if beyond else ".")]
    for change in beyond[:MOST_SHOWN]:
        size = f"{100 * change.change:+.0f} %" if change.change is not None else f"{change.difference:+.3g}"
        size = size.replace("-", "−")
        lines.append(
            f"  {change.subject}: {change.analyte} {change.finding} {size}, {change.first} ({change.first_date}) to "
            f"{change.specimen} ({change.date})"
        )
    if len(beyond) > MOST_SHOWN:
        lines.append(f"  … and {len(beyond) - MOST_SHOWN} more (-o and --json have all)")
    return "\n".join([*lines, "", *found.notes, "", RUO])


def _limit_line(limit: ChangeLimit) -> str:
    def share(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.0f} %"

    own = limit.scale == "own" and limit.limit is not None
    fall, rise = (
        (f"−{limit.limit:.3g}", f"+{limit.limit:.3g}")
        if own
        else (share(limit.fall), f"+{share(limit.rise)}" if limit.rise is not None else "–")
    )
    cvs = f"{share(limit.cv_analytical):>9} {share(limit.cv_within):>10}"
    return f"{limit.analyte[:WIDTH]:<{WIDTH}} {cvs} {fall.replace('-', '−'):>8} {rise:>8}  {limit.basis}"
