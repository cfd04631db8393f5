"""Families of miRNAs, from their names: those of one hairpin, one number, one cluster or one seed are no independent references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources

from exodx.panel.names.spelling import read_mirna, tidy

_STEM = re.compile(r"(?P<number>(?:let|mir)-\d+)(?P<letter>[a-z]*)")


def builtin_families() -> dict[str, str]:
    """Return the families that come with exodx, by the key of a member.

    >>> builtin_families()["mir-107"]
    'miR-103/107'
    """
    text = (resources.files("exodx.panel.names") / "families.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {member.casefold(): family for member, family, _, _ in rows[1:]}


def family_of(name: str, families: Mapping[str, str] | None = None) -> str:
    """Return the family of a miRNA, from its name alone.

    Parameters
    ----------
    name : str
        Mature miRNA of any release, hairpin, or set (``miR-199a/b-3p``).
    families : mapping of str to str, optional
        Where to look; :func:`builtin_families` unless given.

    Returns
    -------
    str
        Unless a family is listed for it, the name without letter, copy and arm. What is no human miRNA is its own family.

    Examples
    --------
    >>> [family_of(n) for n in ("hsa-miR-30a-5p", "miR-30e-3p", "let-7i-5p", "miR-107", "miR-25-3p", "CD63")]
    ['miR-30', 'miR-30', 'let-7', 'miR-103/107', 'miR-17~92', 'CD63']
    """
    known = builtin_families() if families is None else families
    spelling = read_mirna(name)
    stem = _STEM.match(spelling.key) if spelling and spelling.species == "hsa" else None
    if not stem:
        return tidy(name)
    return known.get(stem[0], known.get(stem["number"], stem["number"].replace("mir-", "miR-")))


def families_of(names: Iterable[str]) -> dict[str, str]:
    """Return the family of each name.

    >>> families_of(["miR-191-5p", "miR-425-5p", "miR-423-3p"])
    {'miR-191-5p': 'miR-191~425', 'miR-425-5p': 'miR-191~425', 'miR-423-3p': 'miR-423'}
    """
    known = builtin_families()
    return {name: family_of(name, known) for name in names}
