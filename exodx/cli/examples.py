"""Commands that help shows as examples; tests parse each of them."""

from __future__ import annotations

from types import MappingProxyType

EXAMPLES = MappingProxyType(
    {
        "card": ("exodx card cohort.csv --panel athero-3 --specimen S17 --key-file card.key -o S17.json",),
        "check": (
            "exodx check cohort.csv --panel athero-3 --label group --positive case --html check.html",
            "exodx check new.csv --model models/athero-3/1",
        ),
        "demo": ("exodx demo -o first-look",),
        "efficiency": ("exodx efficiency standards.txt",),
        "evaluate": (
            "exodx evaluate new.csv --model models/athero-3/1 --label group --positive case --html new.html",
            "exodx evaluate new.csv --model models:/athero-3@champion --label group --positive case --track --json",
        ),
        "explain": ("exodx explain new.csv --model models/athero-3/1 --specimen S17 -o S17.html",),
        "manual": ("exodx manual > exodx.md", "exodx manual --synopsis"),
        "monitor": ("exodx monitor visits.csv --panel athero-3",),
        "name": ("exodx name resolve miR-126-3p PD-L1",),
        "new": ("exodx new my-study",),
        "panel": ("exodx panel list", "exodx panel show athero-3 > panel.toml", "exodx panel infer cohort.csv > panel.toml"),
        "predict": (
            "exodx predict new.csv --model models/athero-3/1 -o scores.csv",
            "exodx predict 'part-*.parquet' --model models:/athero-3@champion -o scores.parquet --explain top3 --json",
        ),
        "quantify": ("exodx quantify plate.csv -o concentrations.csv",),
        "review": ("exodx review list athero-3", "exodx review check models:/athero-3/1 --by 'E. Nagy'"),
        "samplesize": ("exodx samplesize --prevalence 0.5 --auc 0.8 --parameters 5",),
        "simulate": ("exodx simulate -n 240 --site-case-shares .6,.5,.3 -o cohort.csv",),
        "train": (
            "exodx train cohort.csv --panel athero-3 --label group --positive case -o models/athero-3/1",
            "exodx train cohort.csv --plan plan.toml --no-track -o model --json",
        ),
        "ui": ("exodx ui --port 5001",),
    }
)
"""Command → lines that can be typed as they stand, given the files."""


def examples_text(name: str) -> str:
    """Return a command's examples as a block of help that is not wrapped; empty where there are none."""
    lines = EXAMPLES.get(name, ())
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
