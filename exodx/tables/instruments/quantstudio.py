"""Applied Biosystems QuantStudio, ViiA 7, StepOne and 7500 (text, XLS, XLSX) and Design & Analysis workbooks: the Results block."""

from __future__ import annotations

from exodx.tables.instruments.wells import Family, by_name

_WELL = ("well position", "well")
FAMILY = Family(
    "Applied Biosystems (QuantStudio, ViiA 7, StepOne, 7500)",
    by_name(
        {
            "well": _WELL,
            "specimen": ("sample name", "sample"),
            "analyte": ("target name", "target"),
            "task": ("task",),
            "ct": ("ct", "crt", "cq"),
        },
        {
            "omit": ("omit",),
            "dye": ("reporter",),
            "amp": ("amp status",),
            "quantity": ("quantity",),
            "group": ("biogroup name", "biogroup", "biological group"),
        },
        marks=("reporter",),
    ),
)
GENOTYPING = Family(
    "Applied Biosystems genotyping",
    by_name({"well": _WELL, "analyte": ("snp assay name",), "ct": ("allele1 ct", "allele1 crt", "allele1 cq")}, {}),
    refusal="a genotyping export: its wells compare two alleles and quantify nothing",
)
