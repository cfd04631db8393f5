"""Bio-Rad CFX Manager and CFX Maestro: Quantification Cq Results (CSV, text, XLSX)."""

from __future__ import annotations

from exodx.tables.instruments.wells import Family, by_name

FAMILY = Family(
    "Bio-Rad CFX",
    by_name(
        {"well": ("well",), "specimen": ("sample",), "analyte": ("target",), "task": ("content",), "ct": ("cq", "c(t)", "ct")},
        {
            "dye": ("fluor",),
            "group": ("biological set name", "biological group"),
            "quantity": ("starting quantity (sq)", "starting quantity"),
        },
        marks=("fluor",),
    ),
    no_ct=dict.fromkeys(("", "nan", "n/a", "none"), "Undetermined"),
)
