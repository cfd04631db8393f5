"""A specimen's card: what is known of it and its quality control, under an opaque identity; no name, no date of birth, no id."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from exodx.cohort.cohort import Cohort
from exodx.cohort.quality import QCReport, specimen_texts
from exodx.errors import RUO, InputRefused, Problem, nearest
from exodx.panel.manifest import characterise, manifest_fields
from exodx.privacy.pseudonyms import checked_key, pseudonym

NOT_ON_CARD = ("subject", "operator")
"""They name people."""


def specimen_card(cohort: Cohort, report: QCReport, specimen: str, key: bytes) -> dict[str, Any]:
    """Return one specimen's card.

    Parameters
    ----------
    cohort : Cohort
    report : QCReport
        Of this cohort.
    specimen : str
        Its id, which does not appear on the card.
    key : bytes
        Secret of the laboratory: who has it can find the card of an id, who has not cannot.

    Returns
    -------
    card : dict
        ``opaque_id``, HMAC-SHA256 of the specimen's id; ``content``: the manifest's fields that are stated, quality control;
        ``content_hash``, SHA-256 of the content; ``qr``, the text of its QR code: opaque id and hash, nothing else.

    Raises
    ------
    InputRefused
        When the specimen is unknown or the key is too short.
    """
    problems = []
    if specimen not in cohort.ids:
        fix = nearest(specimen, cohort.ids) if len(cohort.ids) <= 20 else "Check the id and the specimen column."
        problems.append(Problem("SPECIMEN_UNKNOWN", cohort.source or "cohort", f"no specimen {specimen!r}", fix))
    try:
        checked_key(key, "key file")
    except InputRefused as refusal:
        problems += refusal.problems
    if problems:
        raise InputRefused(problems)
    content = _content(cohort, report, specimen)
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    opaque, digest = pseudonym(specimen, key), hashlib.sha256(canonical).hexdigest()
    return {
        "opaque_id": opaque,
        "content": content,
        "content_hash": digest,
        "qr": f"exodx:{opaque}:{digest}",
        "notice": RUO,
    }


def _content(cohort: Cohort, report: QCReport, specimen: str) -> dict[str, Any]:
    row = cohort.ids.index(specimen)
    cells = {name: column[row] for name, column in specimen_texts(cohort).items()}
    known = [f.name for f in manifest_fields() if f.name not in NOT_ON_CARD]
    findings = report.of(specimen)
    evidence = characterise(cells)
    refused = any(f.action == "refuse" for f in findings)
    return {
        "panel": {key: getattr(cohort.panel, key) for key in ("name", "version", "specimen_type", "isolation", "platform")},
        "manifest": {name: cells[name] for name in known if cells.get(name)},
        "not_stated": [name for name in known if not cells.get(name)],
        "ev_characterisation": {"stated": evidence.stated, "required": evidence.required, "unmet": list(evidence.unmet)},
        "quality": {
            "status": "refused" if refused else "flagged" if findings else "passed",
            "findings": [{"rule": f.rule, "observed": f.observed, "limit": f.limit, "action": f.action} for f in findings],
        },
        "synthetic": cohort.synthetic,
    }
