"""OpenArray Real-Time qPCR Analysis (a line a through-hole); newer OpenArray exports are QuantStudio's."""

from __future__ import annotations

from exodx.tables.instruments.wells import Family, by_name

FAMILY = Family(
    "OpenArray",
    by_name(
        {
            "well": ("throughhole.address",),
            "specimen": ("sampleinfo.sampleid", "sample.info.sampleid"),
            "analyte": ("assay.assay name", "assay.assay id"),
            "ct": ("throughhole.ct",),
        },
        {"plate": ("openarrayplate.serialnumber",), "omit": ("throughhole.outlier",), "task": ("assay.assay type",)},
    ),
    no_ct={"40": ">40", "40.0": ">40", "40.000": ">40"},
)
