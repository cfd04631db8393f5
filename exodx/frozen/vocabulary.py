"""The words in which laboratories say what a specimen is and how it was measured, and what each means: data, and its readers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from exodx.panel import FRACTIONS

SPECIMEN_TYPES = MappingProxyType(
    {
        "plasma": "plasma",
        "serum": "serum",
        "urine": "urine",
        "urinary": "urine",
        "csf": "csf",
        "cerebrospinal fluid": "csf",
        "liquor": "csf",
        "saliva": "saliva",
        "salivary": "saliva",
        "semen": "semen",
        "seminal plasma": "semen",
        "seminal fluid": "semen",
        "milk": "milk",
        "bile": "bile",
        "ascites": "ascites",
        "ascitic fluid": "ascites",
        "amniotic fluid": "amniotic fluid",
        "other": "other",
    }
)
"""Specimen types, as they are written → the panel's word."""

QUALIFIERS = frozenset(
    {
        "a", "acd", "b", "blood", "breast", "citrate", "citrated", "clotted", "derived", "draw", "edta", "ev", "evs",
        "exosomal", "exosome", "exosomes", "fasting", "first", "free", "fresh", "frozen", "heparin", "heparinised",
        "heparinized", "human", "k2", "k2edta", "k3", "k3edta", "lithium", "midstream", "morning", "peripheral", "pfp",
        "platelet", "poor", "ppp", "sample", "samples", "sodium", "specimen", "specimens", "spot", "sst", "tube",
        "vacutainer", "venous", "void"
    }
)  # fmt: skip
"""Words that say how a specimen was taken, not what it is."""

PLATFORMS = MappingProxyType(
    {
        "qpcr": "qPCR",
        "rt-qpcr": "qPCR",
        "rtqpcr": "qPCR",
        "qrt-pcr": "qPCR",
        "rt-pcr": "qPCR",
        "real-time pcr": "qPCR",
        "taqman": "qPCR",
        "mircury": "qPCR",
        "quantstudio": "qPCR",
        "viia": "qPCR",
        "viia7": "qPCR",
        "steponeplus": "qPCR",
        "stepone": "qPCR",
        "lightcycler": "qPCR",
        "cfx": "qPCR",
        "cfx96": "qPCR",
        "cfx384": "qPCR",
        "biomark": "qPCR",
        "openarray": "qPCR",
        "7500": "qPCR",
        "7900ht": "qPCR",
        "dpcr": "digital PCR",
        "ddpcr": "digital PCR",
        "digital pcr": "digital PCR",
        "sequencing": "sequencing",
        "ngs": "sequencing",
        "rna-seq": "sequencing",
        "rnaseq": "sequencing",
        "smallrna-seq": "sequencing",
        "mirna-seq": "sequencing",
        "illumina": "sequencing",
        "hiseq": "sequencing",
        "nextseq": "sequencing",
        "novaseq": "sequencing",
        "miseq": "sequencing",
        "ion torrent": "sequencing",
        "microarray": "microarray",
        "affymetrix": "microarray",
        "agilent": "microarray",
        "nanostring": "NanoString",
        "ncounter": "NanoString",
        "immunoassay": "immunoassay",
        "elisa": "ELISA",
        "simoa": "Simoa",
        "luminex": "bead array",
        "bead array": "bead array",
        "msd": "MSD",
        "meso scale": "MSD",
        "olink": "Olink",
        "npx": "Olink",
        "somascan": "SomaScan",
        "rppa": "RPPA",
        "mass spectrometry": "mass spectrometry",
        "lc-ms": "mass spectrometry",
        "lc-ms/ms": "mass spectrometry",
        "flow cytometry": "flow cytometry",
    }
)
"""Words in the name of a platform → what kind it is."""

KINDS_OF = MappingProxyType({"ELISA": "immunoassay", "Simoa": "immunoassay", "bead array": "immunoassay", "MSD": "immunoassay"})
"""A platform → the wider word that covers it."""

ISOLATIONS = MappingProxyType(
    {
        "ultracentrifugation": "ultracentrifugation",
        "uc": "ultracentrifugation",
        "duc": "ultracentrifugation",
        "sec": "size exclusion chromatography",
        "size exclusion": "size exclusion chromatography",
        "size exclusion chromatography": "size exclusion chromatography",
        "size-exclusion": "size exclusion chromatography",
        "size-exclusion chromatography": "size exclusion chromatography",
        "qev": "size exclusion chromatography",
        "precipitation": "precipitation",
        "exoquick": "precipitation",
        "total exosome isolation": "precipitation",
        "peg": "precipitation",
        "density gradient": "density gradient",
        "sucrose gradient": "density gradient",
        "iodixanol": "density gradient",
        "immunoaffinity": "immunoaffinity",
        "immunocapture": "immunoaffinity",
        "immunoprecipitation": "immunoaffinity",
        "tff": "tangential flow filtration",
        "tangential flow filtration": "tangential flow filtration",
        "exoeasy": "membrane affinity",
        "exorneasy": "membrane affinity",
        "membrane affinity": "membrane affinity",
        "none": "none",
        "no isolation": "none",
    }
)
"""Words in an isolation method → the method."""

UNSAID = frozenset({"unspecified", "unknown", "not stated", "not specified", "not known", "?"})


def read_specimen_type(text: str) -> str:
    """Return the panel's word for a specimen type; the text itself, without case, where it is no known one.

    >>> [read_specimen_type(t) for t in ("EDTA plasma", "Plasma (K2-EDTA)", "seminal plasma", "whole blood")]
    ['plasma', 'plasma', 'semen', 'whole blood']
    """
    folded = " ".join(re.findall(r"[a-z0-9]+", text.casefold()))
    if folded in SPECIMEN_TYPES:
        return SPECIMEN_TYPES[folded]
    kept = " ".join(word for word in folded.split() if word not in QUALIFIERS)
    return SPECIMEN_TYPES.get(kept, folded)


def read_fraction(text: str) -> str:
    """Return the panel's word for a fraction; the text itself, without case, where it is no known one."""
    folded = " ".join(text.casefold().split())
    return FRACTIONS.get(folded, folded)


def read_methods(text: str, words: Mapping[str, str]) -> frozenset[str]:
    """Return every method that a text names (of :data:`PLATFORMS` or :data:`ISOLATIONS`); the text itself where it names none.

    >>> sorted(read_methods("RT-qPCR and immunoassay", PLATFORMS))
    ['immunoassay', 'qPCR']
    """
    folded = re.sub(r"[^a-z0-9/-]+", " ", text.casefold()).strip()
    found = {kind for word, kind in words.items() if f" {word} " in f" {folded} "}
    return frozenset(found) or frozenset({folded})
