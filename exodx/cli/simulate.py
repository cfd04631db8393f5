"""``exodx simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from exodx.cli.options import FILE, say, write_text


@click.command("simulate")
@click.option("--panel", default="athero-3", show_default=True, help="Built-in panel or TOML file.")
@click.option("-n", "n", type=click.IntRange(4), default=200, show_default=True, help="Specimens.")
@click.option("--site-case-shares", default="0.5,0.5", show_default=True, help="A site for each number: its share of cases.")
@click.option(
    "--effect", type=click.FloatRange(0), default=1.0, show_default=True, help="Multiplies the disease shifts; 0 is a null cohort."
)
@click.option("--site-sd", type=click.FloatRange(0), default=0.2, show_default=True, help="SD of the sites' offsets, log2.")
@click.option("--haemolysed", type=click.FloatRange(0, 0.99), default=0.08, show_default=True, help="Share of haemolysed controls.")
@click.option(
    "--haemolysis-odds", type=click.FloatRange(0), default=1.0, show_default=True, help="Odds ratio of haemolysis in cases."
)
@click.option("--heparin-cases", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of cases under heparin.")
@click.option(
    "--repeated", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of subjects with two specimens."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-o", "--out", type=FILE, help="CSV file; stdout unless given.")
def command(
    panel: str,
    n: int,
    site_case_shares: str,
    effect: float,
    site_sd: float,
    haemolysed: float,
    haemolysis_odds: float,
    heparin_cases: float,
    repeated: float,
    seed: int,
    out: Path | None,
) -> None:
    """Write a simulated cohort with known truth, marked as synthetic in every row."""
    from exodx.cohort import SimulatedStudy, simulate
    from exodx.panel import load_panel

    try:
        shares = tuple(float(share) for share in site_case_shares.split(","))
    except ValueError:
        raise click.BadParameter("write numbers with commas, e.g. 0.8,0.5,0.2", param_hint="--site-case-shares") from None
    study = SimulatedStudy(
        n=n,
        site_case_shares=shares,
        effect=effect,
        site_sd=site_sd,
        haemolysed_share=haemolysed,
        haemolysed_case_odds=haemolysis_odds,
        heparin_case_share=heparin_cases,
        repeated_share=repeated,
        seed=seed,
    )
    text = simulate(load_panel(panel), study).to_csv(index=False, lineterminator="\n")
    write_text(text, out)
    say(f"{n} simulated specimens{'' if out is None else f' → {out}'} (synthetic: not evidence of anything)")
