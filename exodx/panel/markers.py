"""What an analyte may also tell of: haemolysis, platelets, drugs, liver, muscle; or a disease it was reported for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from exodx.panel.analyte import Analyte, name_key

WORDS_OF_KIND = MappingProxyType({"small_nuclear": "small nuclear RNA"})
NOT_ON_LABELS = "disease"
"""Every target was proposed as a marker of some disease: that says nothing new on a label."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One thing known of an analyte.

    Parameters
    ----------
    kind : str
        ``haemolysis``, ``platelet``, ``drug``, ``liver``, ``muscle``, ``heart``, ``small_nuclear`` or ``disease``.
    what : str
        In words.
    source : str
    """

    kind: str
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Markers:
    """The table of tags, by accession and by name."""

    by_accession: Mapping[str, tuple[Tag, ...]]
    by_name: Mapping[str, tuple[Tag, ...]]

    def tags(self, analyte: Analyte | str) -> tuple[Tag, ...]:
        """Return what is known of an analyte: by its accession where it states one, else by its name."""
        if isinstance(analyte, Analyte) and (found := self.by_accession.get(analyte.accession or "")):
            return found
        return self.by_name.get(name_key(analyte if isinstance(analyte, str) else analyte.name), ())

    def label(self, analyte: Analyte | str, shown: str | None = None) -> str:
        """Return a name with what else it tells of.

        >>> read_markers().label("hsa-miR-451a"), read_markers().label("miR-126-3p"), read_markers().label("x")
        ('hsa-miR-451a (haemolysis)', 'miR-126-3p (platelet, drug)', 'x')
        """
        name = shown or (analyte if isinstance(analyte, str) else analyte.name)
        kinds = dict.fromkeys(WORDS_OF_KIND.get(t.kind, t.kind) for t in self.tags(analyte) if t.kind != NOT_ON_LABELS)
        return f"{name} ({', '.join(kinds)})" if kinds else name


def read_markers() -> Markers:
    """Read the table that comes with exodx."""
    text = (resources.files("exodx.panel") / "markers.tsv").read_text(encoding="utf-8")
    by_accession: dict[str, tuple[Tag, ...]] = {}
    by_name: dict[str, tuple[Tag, ...]] = {}
    for line in [line for line in text.splitlines() if line and not line.startswith("#")][1:]:
        accession, name, kind, what, source = line.split("\t")
        tag, key = Tag(kind, what, source), name_key(name)
        by_name[key] = (*by_name.get(key, ()), tag)
        if accession:
            by_accession[accession] = (*by_accession.get(accession, ()), tag)
    return Markers(by_accession, by_name)


def tags(analyte: Analyte | str) -> tuple[Tag, ...]:
    """Return what is known of one analyte; for many, read the table once with :func:`read_markers`.

    >>> [tag.kind for tag in tags("miR-451a")]
    ['haemolysis']
    """
    return read_markers().tags(analyte)
