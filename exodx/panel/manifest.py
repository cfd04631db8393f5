"""The manifest: what may be known about a specimen, under which names, and how a cell of it is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from exodx.errors import nearest

FieldType = Literal["text", "number", "words", "map", "list", "date"]

YES_NO = ("yes", "no")
_YES_NO_SPELLINGS = (("y", "yes"), ("true", "yes"), ("1", "yes"), ("n", "no"), ("false", "no"), ("0", "no"))


@dataclass(frozen=True, slots=True)
class ManifestField:
    """One thing that may be known about a specimen.

    Parameters
    ----------
    name : str
        Also the column it becomes in a cohort.
    type : str
        ``text``; ``number``; ``words`` (one of ``words``); ``map`` (``HBV: negative; HIV: positive``, or one word for all);
        ``list`` (``CD9; CD63``); ``date`` (as written).
    unit : str
        Of a number.
    words : tuple of str
        What a cell may say.
    spellings : dict of str to str
        Other spellings of the words, without blanks and signs.
    synonyms : tuple of str
        Other names of the column; case, blanks and underscores do not count.
    required : bool
        A training cohort should state it.
    signed : bool
        The number may be negative.
    yes_no : bool
        The words are yes and no.
    ev : bool
        Belongs to the characterisation of the vesicles (MISEV).
    """

    name: str
    type: FieldType
    unit: str = ""
    words: tuple[str, ...] = ()
    spellings: dict[str, str] = field(default_factory=dict)
    synonyms: tuple[str, ...] = ()
    required: bool = False
    signed: bool = False
    yes_no: bool = False
    ev: bool = False

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What a cell may say; empty where it may say anything."""
        return YES_NO if self.yes_no else self.words

    def read(self, cell: str) -> tuple[tuple[str, ...], str]:
        """Return what a cell says, in the field's own words, and what is wrong with it (empty where nothing is).

        A map gives the word of each of its items, a list its items; a number is read elsewhere.

        >>> anticoagulant = next(f for f in manifest_fields() if f.name == "anticoagulant")
        >>> anticoagulant.read("Li-Heparin"), anticoagulant.read("K2 EDTA")
        ((('heparin',), ''), (('edta',), ''))
        """
        if self.type == "list":
            return tuple(part.strip() for part in re.split(r"[;,|+]", cell) if part.strip()), ""
        items = [item.rpartition(":")[2] for item in re.split(r"[;,|]", cell)] if self.type == "map" else [cell]
        if not self.vocabulary:
            return (cell,), ""
        known = {fold(word): word for word in self.vocabulary} | self.spellings | dict(_YES_NO_SPELLINGS if self.yes_no else ())
        words = [known.get(fold(item)) for item in items if item.strip()]
        for item, word in zip([i for i in items if i.strip()], words, strict=True):
            if word is None:
                return (), f"{item.strip()!r} is not known here. {nearest(item.strip(), self.vocabulary)}"
        return tuple(word for word in words if word is not None), ""


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    """Which proteins show vesicles and which show what came along with them; with the source."""

    transmembrane: tuple[str, ...]
    cytosolic: tuple[str, ...]
    contaminants: tuple[str, ...]
    source: str


@cache
def manifest_fields() -> tuple[ManifestField, ...]:
    """Return every field of the manifest."""
    return tuple(ManifestField(**_frozen(table)) for table in _document()["field"])


def evidence_rules() -> EvidenceRules:
    """Return the marker proteins of vesicles."""
    return EvidenceRules(**_frozen(_document()["evidence"]))


def manifest_columns(headers: Iterable[str], taken: Collection[str] = (), extra: Sequence[str] = ()) -> dict[str, str]:
    """Find the manifest among a table's headers.

    Parameters
    ----------
    headers : iterable of str
    taken : collection of str
        Headers that mean something else already: analytes, the label, subject, site …
    extra : sequence of str
        Columns that a panel's own rules look at, found by their name alone.

    Returns
    -------
    columns : dict of str to str
        Field (or extra column) to header, in the order of the fields.
    """
    folded = {fold(header): header for header in reversed([h for h in headers if h not in taken])}
    if not folded:
        return {}
    found: dict[str, str] = {}
    for known in manifest_fields():
        header = next((folded[name] for name in map(fold, (known.name, *known.synonyms)) if name in folded), None)
        if header is not None and header not in found.values():
            found[known.name] = header
    own = {name: folded[fold(name)] for name in extra if name not in found and fold(name) in folded}
    return found | own


def purity_class(ratio: float) -> str:
    """Return what particles per µg of protein say of a vesicle preparation's purity (method PMID 24009896).

    >>> [purity_class(r) for r in (1e9, 1.7e9, 5e9, 2.5e10, 4e10)]
    ['unpure', 'borderline', 'low', 'borderline', 'high']
    """
    if ratio > 3e10:
        return "high"
    if ratio < 1.5e9:
        return "unpure"
    return "low" if 2e9 <= ratio <= 2e10 else "borderline"


@dataclass(frozen=True, slots=True)
class Characterisation:
    """How completely the vesicles of a specimen are characterised.

    Parameters
    ----------
    stated, required : int
        Fields stated, of how many.
    missing : tuple of str
        Fields not stated.
    unmet : tuple of str
        Rules of MISEV that what is stated does not meet.
    """

    stated: int
    required: int
    missing: tuple[str, ...]
    unmet: tuple[str, ...]


def characterise(values: Mapping[str, str]) -> Characterisation:
    """Score the ``ev_characterisation`` fields of one specimen (MISEV2018, PMC9465297; MISEV2023, PMC10850029).

    Parameters
    ----------
    values : mapping of field to cell
        Blank or absent where not stated.
    """
    rules, fields = evidence_rules(), [f for f in manifest_fields() if f.ev]
    stated = {f.name: f.read(values[f.name])[0] for f in fields if values.get(f.name, "").strip()}
    positive, negative = (_proteins(stated.get(name, ())) for name in ("positive_markers", "negative_markers"))
    checks = {
        "a transmembrane marker (CD9, CD63, CD81 …)": _any(positive, rules.transmembrane),
        "a cytosolic marker (TSG101, ALIX, annexins …)": _any(positive, rules.cytosolic),
        "expected contaminants assessed (calnexin, apolipoproteins, albumin …)": _any(negative, rules.contaminants),
        "two global quantities (particles and protein)": {"particles_per_ml", "protein_ug_ml"} <= set(stated),
        "the starting volume": "start_volume_ml" in stated,
        "an image of single vesicles and another method": {"imaging", "single_particle_method"} <= set(stated),
    }
    missing = tuple(f.name for f in fields if f.name not in stated)
    return Characterisation(len(stated), len(fields), missing, tuple(name for name, met in checks.items() if not met))


def fold(text: str) -> str:
    """Return a name or word without case, blanks, signs and underscores."""
    return re.sub(r"[^a-z0-9]+", "", text.casefold())


def _proteins(names: Iterable[str]) -> list[str]:
    return [re.sub(r"[^A-Z0-9]+", "", name.upper()) for name in names]


def _any(found: Iterable[str], known: Sequence[str]) -> bool:
    """Say whether any name is known; a family (``RAB*``) by its beginning."""
    return any(name == k or (k.endswith("*") and name.startswith(k[:-1])) for name in found for k in known)


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _document() -> dict[str, Any]:
    return tomllib.loads((resources.files("exodx.panel") / "manifest.toml").read_text(encoding="utf-8"))
