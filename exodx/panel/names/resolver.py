"""From a name, as people and instruments write it, to accessions; or a refusal: what it may mean, and how to say which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from exodx.errors import InputRefused, Problem
from exodx.panel.names.spelling import LONGEST, MirnaSpelling, mirna_key, protein_key, read_mirna, set_members, tidy
from exodx.panel.names.table import Mature, NameTables, Protein, Release, Span, builtin_tables, parse_release, release_text

_MIMAT = re.compile(r"MIMAT\d{7}(?:_\d+)?", re.IGNORECASE | re.ASCII)
_HAIRPIN_ACCESSION = re.compile(r"MI\d{7}", re.IGNORECASE | re.ASCII)
_ALMOST_ACCESSION = re.compile(r"(?:MIMAT|MI)[-_ ]?\d+", re.IGNORECASE | re.ASCII)
_UNIPROT = re.compile(
    r"(?P<base>[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?P<isoform>-\d{1,2})?",
    re.IGNORECASE | re.ASCII,
)
_SMALL_NUCLEAR = re.compile(r"(?:RN)?U(?:6(?:[- ]?[12])?|6B|44|48|47|24)|SNORD\d+", re.IGNORECASE | re.ASCII)
_CARBOHYDRATE = re.compile(r"CA[- ]?19[-.]?9", re.IGNORECASE | re.ASCII)
_SPIKE_IN = {"mir-39-3p": "MIMAT0000010", "mir-39": "MIMAT0000010"}
_IMPORT = "If it is a human miRNA outside the table that comes with exodx, read miRBase's own: exodx name import."


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means.

    Parameters
    ----------
    asked : str
        The name as it was given.
    kind : str
        ``mirna``, ``mirna_set`` (several accessions measured as one), ``protein`` or ``spike_in``.
    accessions, names : tuple of str
        Side by side: ``MIMAT…`` or UniProt accession, and the current name (HGNC symbol of a protein).
    removed : bool
        No longer in miRBase: the name is the last it had.
    warnings : tuple of str
        What to mind.
    """

    asked: str
    kind: Literal["mirna", "mirna_set", "protein", "spike_in"]
    accessions: tuple[str, ...]
    names: tuple[str, ...]
    removed: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a name was not resolved; ``candidates`` are accessions it may mean."""

    asked: str
    problem: Problem
    candidates: tuple[str, ...] = ()


def resolve(name: str, release: str | None = None, tables: NameTables | None = None) -> Resolution:
    """Return what a name means.

    Parameters
    ----------
    name : str
        Mature miRNA of any release, set (``miR-199a/b-3p``), ``MIMAT…`` or UniProt accession, HGNC symbol or alias of a protein.
    release : str, optional
        miRBase release the name was taken from; needed for names that meant different molecules.
    tables : NameTables, optional
        Where to look; the tables that come with exodx unless given.

    Raises
    ------
    InputRefused
        When the name is unknown, means several molecules, or means none that has an accession.

    Examples
    --------
    >>> resolve("miR-126*").accessions
    ('MIMAT0000444',)
    >>> resolve("PD-L1").names
    ('CD274',)
    """
    answer = look_up(name, tables or builtin_tables(), parse_release(release) if release is not None else None)
    if isinstance(answer, Refusal):
        raise InputRefused(answer.problem)
    return answer


def look_up(name: str, tables: NameTables, release: Release | None = None) -> Resolution | Refusal:
    """Return what a name means, or why it cannot be said."""
    text = tidy(name)
    if not text or len(text) > LONGEST:
        found = "an empty name" if not text else f"a name of {len(text)} characters"
        return _refuse(name[:LONGEST], "NAME_UNKNOWN", found, "Give a miRNA's or protein's name, or its accession.")
    if _MIMAT.fullmatch(text) or _HAIRPIN_ACCESSION.fullmatch(text) or _ALMOST_ACCESSION.fullmatch(text):
        return _mirna_accession(name, text.upper(), tables)
    if protein_key(name) in tables.protein_index or (_UNIPROT.fullmatch(text) and not read_mirna(name)):
        return _protein(name, tables)
    if members := set_members(name):
        return _set(name, members, tables, release)
    if spelling := read_mirna(name):
        return _mirna(name, spelling, tables, release)
    if _CARBOHYDRATE.fullmatch(text):
        found = "a carbohydrate (sialyl Lewis a) on many proteins: it has no UniProt accession"
        return _refuse(name, "NAME_NOT_PROTEIN", found, "A panel may hold it (kind = 'other').")
    if _SMALL_NUCLEAR.fullmatch(text):
        found = "a small nuclear or nucleolar RNA, not a miRNA: it has no miRBase accession"
        fix = "A panel may hold it (kind = 'other'); it is no safe reference in extracellular vesicles."
        return _refuse(name, "NAME_NOT_MIRNA", found, fix)
    return _unknown(name, tables)


def is_listed(name: str, tables: NameTables) -> bool:
    """Say whether a name, a part of it, or its hairpin stands in the tables; quick, where a refusal looks for what is near."""
    text = tidy(name)
    if not text or len(text) > LONGEST:
        return False
    if _MIMAT.fullmatch(text) or _HAIRPIN_ACCESSION.fullmatch(text) or protein_key(name) in tables.protein_index:
        return True
    if uniprot := _UNIPROT.fullmatch(text):
        return uniprot["base"].upper() in tables.proteins
    if set_members(name):
        return True
    spelling = read_mirna(name)
    if not spelling:
        return False
    stem = re.sub(r"(?:(?<=[a-z])|-)\d+$", "", spelling.key)
    keys = {spelling.key, spelling.isomir_of, *(key for base in (spelling.key, stem) for key in _arm_keys(base))}
    return spelling.species != "hsa" or any(key in tables.mirna_index for key in keys)


def _refuse(name: str, code: str, found: str, fix: str, candidates: Sequence[str] = ()) -> Refusal:
    return Refusal(name, Problem(code, f"name {name!r}", found, fix), tuple(candidates))


def _mirna_accession(name: str, accession: str, tables: NameTables) -> Resolution | Refusal:
    mature = tables.matures.get(accession)
    if mature:
        return _resolved(name, mature, [])
    if _HAIRPIN_ACCESSION.fullmatch(accession):
        found = "the accession of a hairpin, which holds two mature miRNAs"
        return _refuse(name, "NAME_HAIRPIN", found, "Name the mature miRNA that the assay measures: MIMAT and seven digits.")
    if not _MIMAT.fullmatch(accession):
        found = "neither a mature accession (MIMAT and seven digits) nor a hairpin's (MI and seven digits)"
        padded = f"MIMAT{re.sub(r'[^0-9]', '', accession).zfill(7)}" if accession.startswith("MIMAT") else ""
        close = [padded] if padded in tables.matures else []
        fix = (
            f"With its zeros it would be {padded} ({tables.matures[padded].name}). Check the digits."
            if close
            else "Check the digits."
        )
        return _refuse(name, "NAME_UNKNOWN", found, fix, close)
    found = f"a mature accession that is not among the {len(tables.matures)} in the table"
    return _refuse(name, "NAME_UNKNOWN", found, f"Check the digits, and that it is human. {_IMPORT}")


def _protein(name: str, tables: NameTables) -> Resolution | Refusal:
    uniprot = _UNIPROT.fullmatch(tidy(name))
    by_accession = tables.proteins.get(uniprot["base"].upper()) if uniprot else None
    if not by_accession and protein_key(name) not in tables.protein_index:
        found = f"formed like a UniProt accession, but not among the {len(tables.proteins)} proteins in the table"
        return _refuse(name, "NAME_UNKNOWN", found, "Check it at UniProt; a panel may hold it as 'accession' all the same.")
    found_by_name = tables.protein_index.get(protein_key(name), ())
    proteins = (by_accession,) if by_accession else found_by_name
    if len(proteins) > 1:
        meant = ", ".join(f"{p.accession} ({', '.join((p.symbol, *p.aliases[-1:]))})" for p in proteins)
        fix = "Give the HGNC symbol or the UniProt accession of what the assay measures."
        symbols = [p for p in proteins if protein_key(p.symbol) == protein_key(name)]
        fix = "Give the UniProt accession of what the assay measures." if symbols else fix
        return _refuse(name, "NAME_AMBIGUOUS", f"means {len(proteins)} proteins: {meant}", fix, [p.accession for p in proteins])
    return _resolved_protein(name, proteins[0], bool(uniprot and uniprot["isoform"]))


def _resolved_protein(name: str, protein: Protein, isoform: bool) -> Resolution:
    warnings = [protein.note] if protein.note else []
    if isoform:
        warnings.append(f"an isoform was given; the accession of the protein is {protein.accession}")
    return Resolution(name, "protein", (protein.accession,), (protein.symbol,), warnings=tuple(warnings))


def _set(name: str, members: tuple[str, ...], tables: NameTables, release: Release | None) -> Resolution | Refusal:
    answers = [look_up(member, tables, release) for member in members]
    for answer in answers:
        if isinstance(answer, Refusal):
            found = f"a set whose member {answer.asked!r} is refused: {answer.problem.found}"
            return _refuse(name, answer.problem.code, found, answer.problem.fix, answer.candidates)
    found_ones = [answer for answer in answers if isinstance(answer, Resolution)]
    pairs = dict(zip((a.accessions[0] for a in found_ones), (a.names[0] for a in found_ones), strict=True))
    accessions = tuple(pairs)
    first = tables.matures.get(accessions[0])
    warnings = [f"{a.asked}: {w}" for a in found_ones for w in a.warnings if not w.startswith("same mature sequence")]
    if len(accessions) == 1:
        return Resolution(name, "mirna", accessions, (pairs[accessions[0]],), found_ones[0].removed, tuple(warnings))
    if first and set(accessions[1:]) <= set(first.twins):
        warnings.append("one mature sequence: no assay tells the members apart")
    else:
        warnings.append(
            "the members are different molecules, as far as the table knows: make sure that the assay measures their sum"
        )
    removed = any(a.removed for a in found_ones)
    return Resolution(name, "mirna_set", accessions, tuple(pairs.values()), removed, tuple(warnings))


def _mirna(name: str, spelling: MirnaSpelling, tables: NameTables, release: Release | None) -> Resolution | Refusal:
    if spelling.species != "hsa":
        return _other_species(name, spelling, tables)
    found = tables.mirna_index.get(spelling.key, ())
    if not found:
        return _mirna_unknown(name, spelling, tables)
    valid = [(mature, span) for mature, span in found if release is not None and span.holds(release)]
    accessions = {mature.accession for mature, _ in valid or found}
    if len(accessions) > 1 or (release is not None and not valid and len({m.accession for m, _ in found}) > 1):
        return _ambiguous(name, found, valid, release)
    mature, span = (valid or found)[0]
    warnings = _name_warnings(mature, span, tables, release)
    if spelling.hairpin:
        warnings.insert(0, "written like a hairpin or gene, which holds both arms; data by hairpin (e.g. TCGA) are sums of both")
    return _resolved(name, mature, warnings)


def _name_warnings(mature: Mature, span: Span, tables: NameTables, release: Release | None) -> list[str]:
    """Say what to mind about the name by which a miRNA was found."""
    warnings = []
    if release is not None and span.first is not None and not span.holds(release):
        warnings.append(f"was no name of release {release_text(release)}, but of {span}; it never meant anything else")
    elif release is None and mirna_key(span.name) != mirna_key(mature.name) and not mature.removed:
        others = sorted(m.name for m in _same_stem(mature, tables) if m.accession != mature.accession)
        bare = not re.search(r"-[35]p$|\*$", span.name)
        arm = f"; if the other arm was measured, say {' or '.join(others)}" if bare and others else ""
        warnings.append(f"an older name ({span}) of {mature.name}{arm}")
    return warnings


def _same_stem(mature: Mature, tables: NameTables) -> list[Mature]:
    stem = re.sub(r"-[35]p$", "", mature.name)
    names = [mirna_key(f"{stem}{arm}") for arm in ("", "-3p", "-5p")]
    return [m for key in names for m, _ in tables.mirna_index.get(key, ()) if not m.removed]


def _resolved(name: str, mature: Mature, warnings: list[str]) -> Resolution:
    if mature.removed:
        last = max((span.last for span in mature.spans if span.last), default=None)
        when = f" after release {release_text(last)}" if last else ""
        warnings = [*warnings, f"{mature.name} was removed from miRBase{when}: papers may still use it, but it is no current miRNA"]
    if mature.twins:
        warnings = [*warnings, f"same mature sequence as {', '.join(mature.twins)}: no assay tells them apart"]
    return Resolution(name, "mirna", (mature.accession,), (mature.name,), mature.removed, tuple(warnings))


def _ambiguous(
    name: str, found: Sequence[tuple[Mature, Span]], valid: Sequence[tuple[Mature, Span]], release: Release | None
) -> Refusal:
    """Refuse a name that meant several molecules, with what it meant when."""
    ordered = sorted(found, key=lambda pair: pair[1].first or (0,))
    meant = "; ".join(f"{m.accession} ({m.name}{', removed' if m.removed else ''}) in {s}" for m, s in ordered)
    when = "in different releases" if release is None else f"and release {release_text(release)} does not decide it"
    hairpin = read_mirna(name)
    found_text = "written like a hairpin, and the bare name " if hairpin and hairpin.hairpin else ""
    found_text += f"meant different molecules {when}: {meant}"
    if release is not None and valid:
        fix = "In that release itself it meant both: give the accession."
    else:
        fix = "Say the miRBase release that the name comes from (--release N), or give the accession."
    return _refuse(name, "NAME_AMBIGUOUS", found_text, fix, [m.accession for m, _ in ordered])


def _other_species(name: str, spelling: MirnaSpelling, tables: NameTables) -> Resolution | Refusal:
    if spelling.species == "cel" and spelling.key in _SPIKE_IN:
        warning = "a worm's miRNA, used as a spike-in: give it role = 'spike_in', it is no feature"
        return Resolution(name, "spike_in", (_SPIKE_IN[spelling.key],), ("cel-miR-39-3p",), warnings=(warning,))
    human = tables.mirna_index.get(spelling.key, ())
    if spelling.species in ("cel", "ath", "osa"):
        found = f"a miRNA of another species ({spelling.species}), in human assays a spike-in"
        fix = "Give it role = 'spike_in' in the panel; it needs no accession there."
        return _refuse(name, "NAME_NOT_HUMAN", found, fix)
    namesakes = sorted({m.name for m, _ in human})
    found = f"a miRNA of another species ({spelling.species!r}); exodx knows human ones"
    fix = f"If a human specimen was measured, name the human one: {', '.join(namesakes) or 'with hsa-'}."
    return _refuse(name, "NAME_NOT_HUMAN", found, fix, [m.accession for m, _ in human])


def _mirna_unknown(name: str, spelling: MirnaSpelling, tables: NameTables) -> Refusal:
    """Refuse a human miRNA's name that is in no table: an isomiR, a hairpin of several copies, or unknown."""
    if base := tables.mirna_index.get(spelling.isomir_of):
        found = f"{base[0][0].name} with more after the arm: an isomiR, or an assay's number"
        fix = f"An isomiR has no accession of its own. If the mature miRNA was measured, say {base[0][0].name}."
        return _refuse(name, "NAME_ISOMIR", found, fix, [m.accession for m, _ in base])
    copy = re.sub(r"(?:(?<=[a-z])|-)\d+$", "", spelling.key)
    stems = (copy, spelling.key, re.sub(r"-[35]p$|\*$", "", spelling.key))
    arms = {m.name: m.accession for stem in stems for m in _arms(stem, tables)}
    if arms:
        listed = ", ".join(f"{arm} ({accession})" for arm, accession in sorted(arms.items()))
        hairpin = spelling.hairpin or copy != spelling.key
        code, found = ("NAME_HAIRPIN", "names a hairpin") if hairpin else ("NAME_UNKNOWN", "in no release a name in the table")
        return _refuse(name, code, found, f"Name what was measured: {listed}.", [*arms.values()])
    digits = re.search(r"\d+", spelling.key)
    near = [key for key in tables.mirna_index if digits and digits[0][:2] in key][:2000]
    close = get_close_matches(spelling.key, near, n=3, cutoff=0.8)
    names = sorted({tables.mirna_index[key][0][0].name for key in close})
    found = f"no name of the {len(tables.matures)} human miRNAs in the table, in any release"
    fix = f"{'Near it: ' + ', '.join(names) + '. ' if names else ''}{_IMPORT}"
    return _refuse(name, "NAME_UNKNOWN", found, fix)


def _arm_keys(stem: str) -> tuple[str, ...]:
    return tuple(f"{stem}{arm}" for arm in ("", "-3p", "-5p", "*"))


def _arms(key: str, tables: NameTables) -> list[Mature]:
    return [m for n in _arm_keys(key) for m, _ in tables.mirna_index.get(n, ())]


def _unknown(name: str, tables: NameTables) -> Refusal:
    keys = [key for key in tables.protein_index if abs(len(key) - len(protein_key(name))) <= 4]
    close = get_close_matches(protein_key(name), keys, n=3, cutoff=0.7)
    proteins = {p.accession: p for key in close for p in tables.protein_index[key]}
    near = ", ".join(f"{p.symbol} ({', '.join((p.accession, *p.aliases[:1]))})" for p in proteins.values())
    found = f"neither a miRNA's name nor one of the {len(tables.proteins)} proteins in the table"
    fix = f"Near it: {near}." if near else "Check the spelling, or give the MIMAT or UniProt accession."
    return _refuse(name, "NAME_UNKNOWN", found, fix, list(proteins))
