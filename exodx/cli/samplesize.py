"""``exodx samplesize``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import JSON
from exodx.errors import RUO

if TYPE_CHECKING:
    from exodx.stats import SampleSize


@click.command("samplesize")
@click.option("--prevalence", type=float, required=True, help="Share of cases among the specimens of the study, e.g. 0.5.")
@click.option("--auc", type=float, help="AUC to expect, honestly: from a pilot's cross-validation or a like study.")
@click.option("--r2", type=float, help="Cox–Snell R² to expect, instead of --auc, for developing a model.")
@click.option("--parameters", type=int, help="Candidate parameters, all that are looked at; without: no numbers for developing.")
@click.option("--shrinkage", type=float, default=0.9, show_default=True, help="Least shrinkage to accept.")
@click.option("--auc-margin", type=float, default=0.05, show_default=True, help="Half width of the interval of the AUC.")
@JSON
def command(as_json: bool, **asked: Any) -> None:
    """Say how many specimens a study needs: to develop a model, to validate one, and to tell its AUC.

    Developing follows Riley's three criteria (pmsampsize) and needs --parameters; validating and the precision of the AUC need
    --auc. Every subject counts once: repeated specimens of a subject add little.

    For Research Use Only. Not for use in diagnostic procedures.
    """
    answer = _answer(**asked)
    if as_json:
        click.echo(json.dumps(answer, indent=1, ensure_ascii=False))
        return
    click.echo(_text(answer))


def _answer(
    prevalence: float, auc: float | None, r2: float | None, parameters: int | None, shrinkage: float, auc_margin: float
) -> dict[str, Any]:
    """Return what was asked and what is needed; all that is wrong is told at once."""
    from exodx.errors import InputRefused, Problem
    from exodx.stats import hanley_mcneil_se, hanley_mcneil_size, riley_sample_size, validation_sample_size

    problems = _problems(prevalence, auc, r2, parameters, shrinkage, auc_margin)
    if problems:
        raise InputRefused(problems)
    asked = {"prevalence": prevalence, "auc": auc, "r2": r2, "parameters": parameters, "shrinkage": shrinkage}
    answer: dict[str, Any] = {"asked": asked, "develop": None, "validate": None, "precision": None, "notice": RUO}
    try:
        if parameters is not None:
            expected = None if r2 is not None else auc
            answer["develop"] = _study(riley_sample_size(prevalence, parameters, r2, expected, shrinkage))
        if auc is not None:
            answer["validate"] = _study(validation_sample_size(prevalence, auc))
            n = hanley_mcneil_size(auc, auc_margin, prevalence)
            cases = round(n * prevalence)
            se = hanley_mcneil_se(auc, cases, n - cases)
            answer["precision"] = {"n": n, "cases": cases, "margin": auc_margin, "standard_error": round(se, 6)}
    except ValueError as error:
        fix = "Give values that can hold together; 'exodx samplesize --help' says what they mean."
        raise InputRefused(Problem("SAMPLE_SIZE_IMPOSSIBLE", "command line", str(error).rstrip("."), fix)) from None
    return answer


def _problems(
    prevalence: float, auc: float | None, r2: float | None, parameters: int | None, shrinkage: float, auc_margin: float
) -> list[Any]:
    """Return a problem for every option out of range or missing."""
    from exodx.errors import Problem

    rules = (
        ("--prevalence", prevalence, 0 < prevalence < 1, "Give a share strictly between 0 and 1, e.g. 0.5."),
        ("--auc", auc, auc is None or 0.5 < auc < 1, "Give the AUC to expect, above 0.5 and below 1, e.g. 0.8."),
        ("--r2", r2, r2 is None or 0 < r2 < 1, "Give the Cox–Snell R² to expect, between 0 and 1, e.g. 0.2."),
        ("--parameters", parameters, parameters is None or parameters >= 1, "Give the number of candidate parameters."),
        ("--shrinkage", shrinkage, 0 < shrinkage < 1, "Give a share strictly between 0 and 1, e.g. 0.9."),
        ("--auc-margin", auc_margin, 0 < auc_margin < 0.5, "Give half the width of the interval, e.g. 0.05."),
    )
    found = [Problem("OPTION_OUT_OF_RANGE", name, f"{value:g}", fix) for name, value, holds, fix in rules if not holds]
    if auc is None and r2 is None:
        found.append(Problem("OPTION_MISSING", "--auc", "nothing", "Give the AUC (or --r2) to expect."))
    elif auc is None and parameters is None:
        found.append(Problem("OPTION_MISSING", "--parameters", "nothing", "With --r2 alone, give the parameters too."))
    return found


def _study(size: SampleSize) -> dict[str, Any]:
    return {
        "n": size.n,
        "cases": size.cases,
        "controls": size.n - size.cases,
        "deciding": size.deciding.name,
        "criteria": [{"name": c.name, "meaning": c.meaning, "n": c.n} for c in size.criteria],
        "notes": list(size.notes),
    }


def _text(answer: dict[str, Any]) -> str:
    asked, develop, precision = answer["asked"], answer["develop"], answer["precision"]
    expected = " and ".join(f"{name} {asked[key]:g}" for name, key in (("R²", "r2"), ("AUC", "auc")) if asked[key] is not None)
    lines = [f"Share of cases {asked['prevalence']:g}, expected {expected}."]
    if develop is not None:
        parameters = asked["parameters"]
        lines += _section(f"To develop a model with {parameters} candidate parameters", develop)
        lines += [
            f"  That is {develop['cases'] / parameters:.1f} cases per parameter. Trees need more than a regression: count at least"
            " their leaves as parameters.",
        ]
    else:
        lines += ["", "To develop a model: give --parameters."]
    if answer["validate"] is not None:
        lines += _section("To validate a frozen model in another cohort", answer["validate"])
    if precision is not None:
        lines += [
            "",
            f"To tell the AUC alone to ±{precision['margin']:g}: {precision['n']} specimens, {precision['cases']} of them cases"
            " (Hanley and McNeil).",
        ]
    return "\n".join([*lines, "", RUO])


def _section(title: str, study: dict[str, Any]) -> list[str]:
    width = max(len(c["name"]) for c in study["criteria"])
    lines = [
        "",
        f"{title}: {study['n']} specimens of as many subjects, {study['cases']} cases and {study['controls']} controls.",
    ]
    for criterion in study["criteria"]:
        mark = "  ← decides" if criterion["name"] == study["deciding"] else ""
        lines.append(f"  {criterion['name']:<{width}}  {criterion['n']:>7}  {criterion['meaning']}{mark}")
    return lines + [f"  {note}" for note in study["notes"]]
