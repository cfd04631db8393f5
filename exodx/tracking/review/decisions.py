"""What a reviewer can do: ask the gate, promote, demote, roll back. An alias moves only here, and only with an entry in the log.

Tags that a version carries afterwards
--------------------------------------
``exodx.review.verdict`` : ``passed`` or ``not passed``, when the gate was last asked
``exodx.review.rule.<rule>`` : verdict, what was found, and the limit
``exodx.review.rules`` : SHA-256 of the rules in force
``exodx.review.at``, ``exodx.review.by`` : when, and who
``exodx.review.entry`` : place and SHA-256 of the entry in the log
and of the registered model: ``exodx.review.log``, the run that holds the log; ``exodx.review.head``, the hash of an entry in it.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused, Problem, UsageError
from exodx.markup import card, table
from exodx.tracking.log import ALIAS as CHALLENGER
from exodx.tracking.review.allowed import if_allowed
from exodx.tracking.review.chain import Action, Entry, holder_of
from exodx.tracking.review.dossier import Version, find_version, read_dossier
from exodx.tracking.review.gate import Answer, Gate, ask_gate
from exodx.tracking.review.log import append, read_log, whole_log
from exodx.tracking.review.rules import Rule, rules_hash

CHAMPION = "champion"
TAG = "exodx.review."
SETTLES = 20
_ALIAS = re.compile(r"(?!latest$|v\d+$)[a-z][\w-]{0,63}", re.ASCII | re.IGNORECASE)
"""What MLflow takes: it refuses ``Latest`` and ``V2`` too, and that after the log has its entry."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides, why, and about which alias."""

    by: str
    reason: str
    alias: str = CHAMPION

    def check(self) -> None:
        """Refuse a decision without a name or a reason, and an alias that is not a reviewer's.

        Raises
        ------
        UsageError
        """
        problems = [
            Problem("VALUE_INVALID", option, "it is empty", "Say it in a few words.")
            for option, text in (("--by", self.by), ("--reason", self.reason))
            if not text.strip()
        ]
        if self.alias.casefold() == CHALLENGER:
            problems.append(Problem("ALIAS_TAKEN", "--as", f"{CHALLENGER} is moved by exodx train", "Name another, e.g. champion."))
        elif not _ALIAS.fullmatch(self.alias):
            problems.append(Problem("VALUE_INVALID", "--as", repr(self.alias), "Use a word that is no version, e.g. champion."))
        if problems:
            raise UsageError(problems)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done.

    Parameters
    ----------
    version : Version
        It is about.
    entry : Entry
        As it stands in the log.
    gate : Gate
        Without answers where no gate was asked.
    holder : str
        Version that holds the alias now; empty where none does.
    """

    version: Version
    entry: Entry
    gate: Gate
    holder: str = ""

    def _repr_html_(self) -> str:
        """Return the view in a notebook."""
        gate, entry = self.gate, self.entry
        stand = f"not passed: {len(gate.missing)} of {len(gate.answers)} rules stand in the way"
        facts = (
            ("gate", "" if not gate.answers else "passed" if gate.is_passed else stand),
            (
                "alias",
                ""
                if not entry.alias
                else f"{entry.alias} is version {self.holder}"
                if self.holder
                else f"no version is {entry.alias}",
            ),
            ("by", entry.by),
            ("reason", entry.reason),
            ("log", f"entry {entry.n}, SHA-256 {entry.sha256[:12]}"),
        )
        rows = [(a.rule.name, _unbroken(a.verdict), _unbroken(a.rule.limit), a.found) for a in gate.answers]
        return card(f"{entry.action} {self.version.uri}", facts, table(("rule", "verdict", "limit", "found"), rows))


def _unbroken(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


@if_allowed()
def check_version(uri: str, rules: Sequence[Rule], by: str = "") -> Decision:
    """Ask the gate about a version; write its answers to the version and the log. No alias moves.

    Raises
    ------
    ModelRefused
        When there is no such version, or the log's chain is broken.
    """
    version = find_version(uri)
    whole_log(version.name)
    gate = ask_gate(rules, read_dossier(version), by)
    entry = _write(version, gate, rules, "checked", Reviewer(by, "", ""))
    return Decision(version, entry, gate)


@if_allowed()
def promote(uri: str, rules: Sequence[Rule], reviewer: Reviewer) -> Decision:
    """Give a version an alias, if the gate is passed.

    Raises
    ------
    ModelRefused
        With every rule that is not met; the refusal stands in the log.
    """
    reviewer.check()
    version = find_version(uri)
    whole_log(version.name)
    gate = ask_gate(rules, read_dossier(version), reviewer.by)
    if not gate.is_passed:
        _write(version, gate, rules, "refused", reviewer)
        raise ModelRefused(answer.problem for answer in gate.missing)
    entry = _write(version, gate, rules, "promoted", reviewer)
    return Decision(version, entry, gate, settle(version.name, reviewer.alias))


@if_allowed()
def demote(uri: str, reviewer: Reviewer) -> Decision:
    """Take an alias from the version that holds it; a rollback does not give it back.

    Raises
    ------
    ModelRefused
        When the version does not hold the alias.
    """
    reviewer.check()
    version = find_version(uri)
    held = holder_of(whole_log(version.name).entries, reviewer.alias).version
    if version.version not in (held, _registered(version.name, reviewer.alias)):
        found = f"{reviewer.alias} is {f'version {held}' if held else 'no version'}"
        raise ModelRefused(Problem("ALIAS_ELSEWHERE", uri, found, "Name the version that holds it: exodx review list."))
    entry = append(entry_of("demoted", version, reviewer))
    return Decision(version, entry, Gate(()), settle(version.name, reviewer.alias))


@if_allowed()
def roll_back(model: str, reviewer: Reviewer, rules: Sequence[Rule]) -> Decision:
    """Give an alias back to the version that held it before, by the log; only the rule ``bundle`` is asked.

    Raises
    ------
    ModelRefused
        When none held it before, or its bundle is not the one that was registered.
    """
    reviewer.check()
    _known(model)
    holder = holder_of(whole_log(model).entries, reviewer.alias)
    if not holder.past:
        found = f"by the log no other version that was not demoted held {reviewer.alias} before"
        raise ModelRefused(Problem("NOTHING_BEFORE", model, found, "Promote a version."))
    version = find_version(f"models:/{model}/{holder.past[-1]}")
    gate = ask_gate([rule for rule in rules if rule.name == "bundle"], read_dossier(version), reviewer.by)
    if not gate.is_passed:
        raise ModelRefused(answer.problem for answer in gate.missing)
    entry = append(entry_of("rolled back", version, reviewer))
    return Decision(version, entry, gate, settle(model, reviewer.alias))


def settle(model: str, alias: str) -> str:
    """Set an alias to where the log says, and look again: of two reviewers at once the later entry has it, whoever sets it last.

    Returns
    -------
    str
        The version that holds it; empty where none does.
    """
    client = MlflowClient()
    target = holder_of(whole_log(model).entries, alias).version
    for _ in range(SETTLES):
        moved = _moved(client, model, alias, target)
        again = holder_of(whole_log(model).entries, alias).version
        if moved and again == target:
            return target
        target = again
    raise UsageError(Problem("LOG_BUSY", model, "others move the alias meanwhile", "Try again."))


def _moved(client: MlflowClient, model: str, alias: str, target: str) -> bool:
    """Set an alias, or take it away; False where another made it in the same moment, which MLflow's database refuses."""
    try:
        if target:
            client.set_registered_model_alias(model, alias, target)
        elif _registered(model, alias):
            client.delete_registered_model_alias(model, alias)
    except MlflowException as error:
        if error.error_code != "BAD_REQUEST":
            raise
        return False
    return True


@if_allowed()
def log_problems(model: str) -> tuple[Problem, ...]:
    """Return where the chain of a model's log is broken, and aliases that are not where the log says.

    Raises
    ------
    ModelRefused
        When there is no such model.
    """
    _known(model)
    log = read_log(model)
    if log.problems:
        return log.problems
    aliases = {alias: str(v) for alias, v in MlflowClient().get_registered_model(model).aliases.items() if alias != CHALLENGER}
    governed = {entry.alias for entry in log.entries if entry.action not in ("checked", "refused", "answered")}
    problems = []
    for alias in sorted(governed | set(aliases)):
        said, stands = holder_of(log.entries, alias).version, aliases.get(alias, "")
        if said != stands:
            found = f"the registry says {f'version {stands}' if stands else 'no version'}, the log {said or 'none'}"
            fix = "It was moved outside of the review: promote, demote or roll back to set it right."
            problems.append(Problem("ALIAS_MOVED", f"{model}@{alias}", found, fix))
    return tuple(problems)


def _registered(model: str, alias: str) -> str:
    """Return the version that holds an alias in the registry, whatever the log says; empty where none does."""
    return str(MlflowClient().get_registered_model(model).aliases.get(alias, ""))


def _known(model: str) -> None:
    try:
        MlflowClient().get_registered_model(model)
    except MlflowException as error:
        fix = "Check the name: exodx review list."
        raise ModelRefused(Problem("MODEL_UNKNOWN", model, str(error).splitlines()[0], fix)) from None


def _write(version: Version, gate: Gate, rules: Sequence[Rule], action: Action, reviewer: Reviewer) -> Entry:
    entry = append(entry_of(action, version, reviewer, gate, rules))
    tags = {
        "verdict": "passed" if gate.is_passed else "not passed",
        "rules": entry.rules,
        "at": entry.at,
        "by": entry.by or "not said",
        "entry": f"{entry.n} {entry.sha256}",
        **{f"rule.{answer.rule.name}": answer.line for answer in gate.answers},
    }
    client = MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(version.name, version.version, TAG + key, value)
    return entry


def entry_of(action: Action, version: Version, reviewer: Reviewer, gate: Gate | None = None, rules: Sequence[Rule] = ()) -> Entry:
    """Return an entry of the log as of now, without its place."""
    return Entry(
        n=0,
        before="",
        at=datetime.now(UTC).isoformat(timespec="microseconds"),
        action=action,
        model=version.name,
        version=version.version,
        alias=reviewer.alias,
        by=reviewer.by,
        login=_login(),
        reason=reviewer.reason,
        model_hash=version.model_hash,
        rules=rules_hash(tuple(rules)) if rules else "",
        gate={} if gate is None else {answer.rule.name: _short(answer) for answer in gate.answers},
    )


def _short(answer: Answer, longest: int = 120) -> str:
    """Return the line of an answer, cut where much was found; never its limit, which a file of rules may have changed."""
    over = len(answer.line) - longest
    return answer.line if over <= 0 else replace(answer, found=f"{answer.found[: max(len(answer.found) - over - 1, 0)]}…").line


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return ""
