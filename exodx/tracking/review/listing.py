"""What is in the registry, as a reviewer wants to see it first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.errors import ModelRefused, Problem
from exodx.evaluation import Headline
from exodx.tracking.review.allowed import if_allowed
from exodx.tracking.review.decisions import TAG
from exodx.tracking.review.dossier import Version, own_evaluation, version_of
from exodx.tracking.review.log import versions_of


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A registered version with its number to quote and the gate's last answer.

    Parameters
    ----------
    version : Version
    headline : Headline or None
        None where its run has no evaluation.
    findings : dict of str to int
        How many of each severity.
    verdict, at, by : str
        Of the gate, when it was last asked.
    """

    version: Version
    headline: Headline | None
    findings: dict[str, int]
    verdict: str
    at: str
    by: str


@if_allowed()
def list_versions(model: str | None = None) -> list[ListedVersion]:
    """Return the versions of a registered model, or of all of them.

    Raises
    ------
    ModelRefused
        When there is no such model.
    """
    client = MlflowClient()
    try:
        names = [model] if model is not None else sorted(found.name for found in client.search_registered_models())
        aliases = {name: client.get_registered_model(name).aliases for name in names}
    except MlflowException as error:
        fix = "Leave the name out to see all."
        raise ModelRefused(Problem("MODEL_UNKNOWN", str(model), str(error).splitlines()[0], fix)) from None
    listed = []
    for name in names:
        for entity in versions_of(client, name):
            held = tuple(sorted(alias for alias, v in aliases[name].items() if str(v) == str(entity.version)))
            listed.append(_listed(version_of(entity), held))
    return listed


def _listed(version: Version, aliases: tuple[str, ...]) -> ListedVersion:
    evaluation = own_evaluation(version)
    head = None if evaluation is None else evaluation.headline
    findings = {} if evaluation is None else dict(Counter(str(f.severity) for f in evaluation.findings))
    tags = version.tags
    said = [tags.get(TAG + key, "") for key in ("verdict", "at", "by")]
    placed = Version(version.name, version.version, version.run_id, tags, aliases)
    return ListedVersion(placed, head, findings, said[0] or "not checked", *said[1:])
