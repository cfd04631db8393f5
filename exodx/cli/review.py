"""``exodx review``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exodx.cli.options import FILE, JSON, check_output, open_binary, plan_options, say, study_plan, write_text
from exodx.errors import RUO, ModelRefused

if TYPE_CHECKING:
    from exodx.cohort import Cohort
    from exodx.evaluation.paired import PairedComparison
    from exodx.evaluation.side_by_side import SideBySide
    from exodx.frozen import DiagnosticModel
    from exodx.panel import StudyPlan
    from exodx.tracking.review import Decision

REGISTERED = "models:/"
VERSION = click.argument("version", metavar="VERSION")
RULES = click.option(
    "--rules", "rules_file", type=FILE, help="TOML that changes single rules; it stands in the log that they were."
)
_DECIDES = (
    click.option("--as", "alias", default="champion", show_default=True, help="The alias."),
    click.option("--by", required=True, metavar="NAME", help="Who decides."),
    click.option("--reason", required=True, metavar="TEXT", help="Why; it stays in the log, for good."),
)


def decides(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a decision."""
    for option in reversed(_DECIDES):
        command = option(command)
    return command


@click.group("review")
def command() -> None:
    r"""Look at registered versions, compare them, and promote one through the review gate.

    VERSION is models:/NAME/NUMBER or models:/NAME@ALIAS. An alias moves only here, with an entry in a log whose entries each
    hold the SHA-256 of the one before.

    \b
    exodx review list
    exodx review check models:/athero-3/2
    exodx review promote models:/athero-3/2 --as champion --by "E. Nagy" --reason "external AUC holds"

    For Research Use Only. Not for use in diagnostic procedures.
    """


@command.command("list")
@click.argument("name", required=False)
@JSON
def list_(name: str | None, as_json: bool) -> None:
    """List registered versions: number to quote, findings, the gate's last answer, aliases.

    For example: exodx review list athero-3
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import list_versions, listed_answer, listing_text

    open_store(tell=say)
    listed = list_versions(name)
    click.echo(json.dumps(listed_answer(listed), indent=1, ensure_ascii=False) if as_json else listing_text(listed))


@command.command("log")
@click.argument("name")
def log(name: str) -> None:
    """Print a model's review log, a JSON line an entry, and verify its chain (exit code 4 where it is broken).

    For example: exodx review log athero-3 > log.jsonl
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import log_problems, read_log

    open_store(tell=say)
    problems = log_problems(name)
    for entry in read_log(name).entries:
        click.echo(entry.text)
    if problems:
        raise ModelRefused(problems)
    say(f"the chain holds, and the aliases are where it says\n{RUO}")


@command.command("check")
@VERSION
@RULES
@click.option("--by", default="", metavar="NAME", help="Who would promote it.")
@JSON
def check(version: str, rules_file: Path | None, by: str, as_json: bool) -> None:
    """Ask the gate about a version, and verify the log's chain; exit code 4 where the gate is not passed or the chain is broken.

    Every rule is met, not met, or cannot be told. The answers become tags of the version and an entry of the log; no alias moves.

    For example: exodx review check models:/athero-3/2 --by "E. Nagy"
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import check_version, gate_text, log_problems, read_rules

    rules = read_rules(rules_file)
    open_store(tell=say)
    decision = check_version(version, rules, by)
    _tell(decision, gate_text(decision), as_json)
    problems = log_problems(decision.version.name)
    for problem in problems:
        say(str(problem))
    if problems or not decision.gate.is_passed:
        raise click.exceptions.Exit(ModelRefused.exit_code)


@command.command("answers")
@VERSION
@click.option("--from", "file", type=FILE, help="TOML file with answers, to be put into the sheets of the version's run.")
@click.option("--by", default="", metavar="NAME", help="Who answers; needed with --from, and stays in the log.")
def answers(version: str, file: Path | None, by: str) -> None:
    """Print what the reporting sheets of a version still ask its author, as a file to fill in; or take the filled file back.

    Answers change no model. What the program filled itself stays, with the answer beside it. The review log keeps who answered,
    and the SHA-256 of the file.

    For example: exodx review answers models:/athero-3/2 > answers.toml
    and then: exodx review answers models:/athero-3/2 --from answers.toml --by "A. Kiss"
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import answer_sheets, answers_form

    open_store()
    if file is None:
        click.echo(answers_form(version))
        return
    done = answer_sheets(version, file, by)
    for sheet in done.sheets:
        say(f"{sheet.name}: {sheet.counts_line}")
    say(f"answered {done.version.uri}; entry {done.entry.n} of the review log\n{RUO}")


@command.command("promote")
@VERSION
@decides
@RULES
@JSON
def promote(version: str, alias: str, by: str, reason: str, rules_file: Path | None, as_json: bool) -> None:
    """Give a version an alias if it passes the gate; else say all that is missing (exit code 4).

    For example: exodx review promote models:/athero-3/2 --as champion --by "E. Nagy" --reason "external AUC holds"
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import Reviewer, gate_text, read_rules
    from exodx.tracking.review import promote as promote_version

    rules = read_rules(rules_file)
    open_store(tell=say)
    decision = promote_version(version, rules, Reviewer(by, reason, alias))
    _tell(decision, f"{gate_text(decision)}\n{_moved(decision)}", as_json)


@command.command("demote")
@VERSION
@decides
@JSON
def demote(version: str, alias: str, by: str, reason: str, as_json: bool) -> None:
    """Take an alias from the version that holds it; a rollback will not give it back.

    For example: exodx review demote models:/athero-3@champion --by "E. Nagy" --reason "drift at site B"
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import Reviewer
    from exodx.tracking.review import demote as demote_version

    open_store(tell=say)
    decision = demote_version(version, Reviewer(by, reason, alias))
    _tell(decision, f"{_moved(decision)}\n{RUO}", as_json)


@command.command("rollback")
@click.argument("name")
@decides
@JSON
def rollback(name: str, alias: str, by: str, reason: str, as_json: bool) -> None:
    """Give an alias back to the version that held it before, by the log.

    For example: exodx review rollback athero-3 --by "E. Nagy" --reason "version 3 fails on plate 12"
    """
    from exodx.tracking import open_store
    from exodx.tracking.review import Reviewer, read_rules, roll_back

    open_store(tell=say)
    decision = roll_back(name, Reviewer(by, reason, alias), read_rules())
    _tell(decision, f"{_moved(decision)}\n{RUO}", as_json)


@command.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--cohort", type=FILE, help="Compare them on its specimens too, paired.")
@plan_options
@click.option("--html", type=FILE, help="Also write it all as one page.")
@JSON
def compare(a: str, b: str, cohort: Path | None, html: Path | None, as_json: bool, **options: Any) -> None:
    """Compare two models, paired on a cohort's specimens, and by what the store says of them.

    A and B are registered versions or, with a cohort, also runs or bundle folders. Without a cohort nothing is paired. Only counts
    are told of specimens.

    For example: exodx review compare models:/athero-3/1 models:/athero-3/2 --cohort new.csv --label group --positive case
    """
    from exodx.report.compare_page import comparison_page
    from exodx.report.compare_text import comparison_text

    specimens = options.pop("specimens")
    if cohort is None and (specimens or any(value is not None for value in options.values())):
        raise click.UsageError("These options say how a cohort is read: give --cohort FILE too.")
    if html is not None:
        check_output(html, cohort)
    stored = _stored(a, b, cohort)
    paired = None if cohort is None else _paired((a, b), cohort, study_plan(**options), specimens)
    text = comparison_text((a, b), stored, paired)
    if as_json:
        parts = {"stored": None if stored is None else stored.to_dict(), "paired": None if paired is None else paired.to_dict()}
        click.echo(json.dumps({"a": a, "b": b, **parts, "notice": RUO}, indent=1, ensure_ascii=False))
    else:
        click.echo(text)
    if html is not None:
        write_text(comparison_page((a, b), stored, paired), html, cohort)
        say(f"page → {html}")


def _stored(a: str, b: str, cohort: Path | None) -> SideBySide | None:
    if cohort is not None and not (a.startswith(REGISTERED) and b.startswith(REGISTERED)):
        return None
    from exodx.tracking import open_store
    from exodx.tracking.review import compare_stored, find_version

    open_store(tell=say)
    return compare_stored(find_version(a), find_version(b))


def _paired(models: tuple[str, str], cohort: Path, plan: StudyPlan, specimens: tuple[Path, ...]) -> PairedComparison:
    from exodx.evaluation.paired import compare_models

    first, second = (open_binary(model, "exodx review compare")[0] for model in models)
    stated = (plan.prevalence, first.panel.prevalence, second.panel.prevalence)
    prevalence = next((value for value in stated if value is not None), None)
    a, b = (_read(model, cohort, plan, specimens) for model in (first, second))
    for note in dict.fromkeys((*a.notes, *b.notes)):
        say(f"· {note}")
    return compare_models((first, a), (second, b), prevalence)


def _read(model: DiagnosticModel, cohort: Path, plan: StudyPlan, specimens: tuple[Path, ...]) -> Cohort:
    from exodx.cohort import Intake, read_cohort

    return read_cohort(cohort, Intake.of_plan(plan, specimens).for_model(model))


def _moved(decision: Decision) -> str:
    alias, holder = decision.entry.alias, decision.holder
    stands = f"{alias} is version {holder}" if holder else f"no version is {alias}"
    later = "" if holder in ("", decision.version.version) else " (by a later entry: another reviewer decided meanwhile)"
    return f"{decision.entry.action} {decision.version.uri}: {stands}{later}; entry {decision.entry.n} of the review log"


def _tell(decision: Decision, text: str, as_json: bool) -> None:
    from exodx.tracking.review import decision_answer

    click.echo(json.dumps(decision_answer(decision), indent=1, ensure_ascii=False) if as_json else text)
