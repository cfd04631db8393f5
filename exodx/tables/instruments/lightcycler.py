"""Roche LightCycler 480 (targets seldom named: a block a filter) and LightCycler 96 text."""

from __future__ import annotations

from exodx.tables.instruments.wells import Family, by_name

_NO_CT = {"": "Undetermined", "-": "Undetermined"}
FAMILY_480 = Family(
    "Roche LightCycler 480",
    by_name(
        {"well": ("pos",), "specimen": ("name",), "ct": ("cp",)},
        {
            "analyte": ("target name", "target", "gene name"),
            "omit": ("include", "inc"),
            "task": ("type",),
            "standard": ("standard",),
            "quantity": ("standard",),
        },
        marks=("standard",),
    ),
    no_ct=_NO_CT,
    omit=("false", "0"),
)
FAMILY_96 = Family(
    "Roche LightCycler 96",
    by_name(
        {"well": ("position",), "specimen": ("sample name",), "analyte": ("gene name",), "ct": ("cq",)},
        {"omit": ("excluded",), "task": ("sample type",), "dye": ("dye",)},
        marks=("color",),
    ),
    no_ct=_NO_CT,
)
