"""Applied Biosystems SDS 2.x and RQ Manager text (7900HT, 7300, 7500): a line a well with its detector."""

from __future__ import annotations

from exodx.tables.instruments.wells import Family, by_name

FAMILY = Family(
    "Applied Biosystems SDS",
    by_name(
        {
            "well": ("pos", "well"),
            "specimen": ("sample", "sample name"),
            "analyte": ("detector", "detector name"),
            "task": ("task",),
            "ct": ("ct", "avg ct"),
        },
        {"plate": ("plate",), "omit": ("omit",), "flag": ("flag", "flagged")},
    ),
    omit=("true", "1", "yes", "omitted"),
)
