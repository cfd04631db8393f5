"""How names are written: what counts when two spellings are compared, and what a spelling alone gives away."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 100
"""No analyte's name is longer; what is longer is not looked up."""

_SIGNS = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−﹣", "-"), **dict.fromkeys("∗＊⁎✱", "*"), "α": "alpha", "β": "beta", "γ": "gamma", "µ": "u"}
)
_MIRNA = re.compile(
    r"(?:(?P<species>[A-Za-z0-9]{2,5})[-_ ])?(?P<stem>microRNA|miRNA|miR-?let|miR|let)(?P<dash>[-_ ]?)(?P<rest>[0-9].*)",
    re.IGNORECASE | re.ASCII,
)
_ARM = re.compile(r"[-_. ]([35])[-_ ]?p(?=$|\*)")
_ISOMIR = re.compile(r"(?P<base>.+-[35]p)(?:[|.:;+_ -]|iso).*", re.IGNORECASE)
_ACCESSION = re.compile(r"MIMAT\d{7}", re.IGNORECASE | re.ASCII)
_SET = re.compile(r"(?P<number>(?![35]p$)\d+)?(?P<letter>[a-z]{1,2})?(?P<arm>-?[35]p|\*)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class MirnaSpelling:
    """What the spelling of a miRNA's name says.

    Parameters
    ----------
    key : str
        Equal for spellings of one name.
    species : str
        Lower-case prefix, ``hsa`` when there is none.
    hairpin : bool
        Written as a hairpin (``hsa-mir-126``) or as a gene (``MIR126``).
    isomir_of : str
        Key of the name without an isomiR's suffix, or empty.
    """

    key: str
    species: str
    hairpin: bool
    isomir_of: str


def tidy(name: str) -> str:
    """Return a name with compatible characters, dashes, asterisks and Greek letters written plainly, and no outer blanks."""
    return unicodedata.normalize("NFKC", name.translate(_SIGNS)).translate(_SIGNS).strip()


def read_mirna(name: str) -> MirnaSpelling | None:
    """Read the spelling of a miRNA's name; None when it does not look like one.

    Examples
    --------
    >>> read_mirna("HSA-MIR-126-3P").key == read_mirna("miR-126-3p").key
    True
    >>> read_mirna("hsa-mir-126").hairpin, read_mirna("hsa-miR-126").hairpin
    (True, False)
    """
    match = _MIRNA.fullmatch(tidy(name)) if len(name) <= LONGEST else None
    if not match:
        return None
    stem, rest = match["stem"], _ARM.sub(r"-\1p", match["rest"].casefold())
    rest = re.sub(r"[-_ ]*(?:star|#)$", "*", rest.replace("_", "-").replace(" ", "-"))
    family = "let" if stem.casefold().endswith("let") else "mir"
    species = (match["species"] or "hsa").casefold()
    armless = not re.search(r"-[35]p|\*", rest)
    gene = stem in ("MIR", "MIRLET", "MIR-LET") and not match["dash"] and not match["species"]
    isomir = _ISOMIR.fullmatch(rest)
    hairpin = armless and (stem == "mir" or gene)
    return MirnaSpelling(f"{family}-{rest}", species, hairpin, f"{family}-{isomir['base']}" if isomir else "")


def mirna_key(name: str) -> str:
    """Return the key of a human miRNA's name, of the table or of a user.

    >>> mirna_key("hsa-miR-126*")
    'mir-126*'
    """
    spelling = read_mirna(name)
    return spelling.key if spelling else tidy(name).casefold()


def protein_key(name: str) -> str:
    """Return the key of a protein's name: case, blanks, dashes and underscores do not count.

    >>> protein_key("PD-L1") == protein_key("pdl1")
    True
    """
    return re.sub(r"[\s_\-]+", "", tidy(name).casefold())


def set_members(name: str) -> tuple[str, ...]:
    """Return the names a set is written for, or nothing when it is no set; at most nine.

    Examples
    --------
    >>> set_members("miR-199a/b-3p")
    ('miR-199a-3p', 'miR-199b-3p')
    >>> set_members("hsa-miR-199a-3p+hsa-miR-199b-3p")
    ('hsa-miR-199a-3p', 'hsa-miR-199b-3p')
    """
    head, *others = (part.strip() for part in re.split(r"[/+]", tidy(name)))
    if not 0 < len(others) <= 8:
        return ()
    if all(_ACCESSION.fullmatch(part) or read_mirna(part) for part in (head, *others)):
        return (head, *others)
    first = re.fullmatch(r"(?P<prefix>.*?(?:mir|let)[-_ ]?)(?P<rest>.*)", head, re.IGNORECASE)
    parts = [_SET.fullmatch(part) for part in (first["rest"] if first else "", *others)]
    known = [part for part in parts if part and part[0]]
    if not first or len(known) < len(parts) or not known[0]["number"]:
        return ()
    return tuple(_member(first["prefix"], known[0], part, known[-1]) for part in known)


def _member(prefix: str, first: re.Match[str], part: re.Match[str], lender: re.Match[str]) -> str:
    """Return a member's full name. An arm is lent within one number alone (199a/b-3p): miR-126/145-5p says nothing of miR-126."""
    number = part["number"] or first["number"]
    letter = part["letter"] or ("" if part["number"] else first["letter"] or "")
    arm = part["arm"] or ""
    if not arm and number == first["number"]:
        arm = first["arm"] or (lender["arm"] if (lender["number"] or number) == number else "") or ""
    return f"{prefix}{number}{letter}{arm if arm == '*' or arm.startswith('-') or not arm else '-' + arm}"
