"""What a model asks of its input: which analytes, in which unit, read how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exodx.errors import Problem
from exodx.frozen.measurements import Measurements, Reason
from exodx.frozen.replicates import read_replicates
from exodx.panel import Panel
from exodx.panel.analyte import name_key


@dataclass(frozen=True)
class InputContract:
    """The analytes a panel needs, and how a text table becomes its measurements."""

    panel: Panel

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(name_key(name) for analyte in self.panel.analytes for name in (analyte.name, *analyte.aliases))

    def is_analyte(self, name: str) -> bool:
        """Say whether a name is one of the panel's analytes, or an alias."""
        return name_key(name) in self._keys

    def missing(self, headers: Sequence[str], where: str) -> list[Problem]:
        """Return a problem for every analyte without a column, or with several."""
        columns = self.panel.columns(headers)
        problems = []
        for analyte in self.panel.analytes:
            found = columns.get(analyte.name, [])
            if not found:
                others = ", ".join((analyte.name, *analyte.aliases))
                fix = f"Add a column with one of the names: {others}; leave cells blank where it was not run."
                problems.append(Problem("ANALYTE_MISSING", where, f"no column for analyte {analyte.name!r}", fix))
            elif len(found) > 1:
                both = " and ".join(repr(h) for h in found)
                problems.append(Problem("ANALYTE_TWICE", where, f"{both} both mean {analyte.name!r}", "Keep one of them."))
        return problems

    def read(self, columns: Mapping[str, Sequence[str]], decimal: str) -> tuple[Measurements, dict[tuple[int, str], str]]:
        """Read text columns, matched by name, into measurements in the panel's order.

        Parameters
        ----------
        columns : mapping of header to cells
            Every analyte must have exactly one (see :meth:`missing`). A cell may hold the replicate wells of a Ct.
        decimal : str
            Decimal sign of the table.

        Returns
        -------
        measurements : Measurements
            Flagged ``REPLICATES_DISAGREE`` where the wells of an analyte do.
        unreadable : dict of (row, header) to str
            What is wrong with each cell that has no meaning.
        """
        headers = {name: found[0] for name, found in self.panel.columns(columns).items()}
        unreadable: dict[tuple[int, str], str] = {}
        values, states, flagged = [], [], []
        for analyte in self.panel.analytes:
            header = headers[analyte.name]
            cells, disagree = read_replicates(columns[header], analyte.scale, analyte.lod, decimal)
            values.append(cells.values)
            states.append(cells.states)
            flagged.append(disagree)
            unreadable |= {(row, header): why for row, why in cells.unreadable.items()}
        measurements = Measurements(self.panel.names, np.column_stack(values), np.column_stack(states))
        return measurements.flagged(Reason.REPLICATES_DISAGREE, np.any(flagged, axis=0)), unreadable
