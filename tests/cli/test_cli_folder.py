"""A folder of a study's plates goes to scores as one file of all its wells does."""

import numpy as np
import pytest

HEADER = "Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT"


def export(path, *wells):
    lines = ["[Results]", HEADER]
    for i, (specimen, target, ct) in enumerate(wells, start=1):
        lines.append(f"{i}\tA{i}\tfalse\t{specimen}\t{target}\tUNKNOWN\tFAM\tNFQ-MGB\t{ct}")
    path.write_text("\n".join(lines) + "\n")


def test_a_folder_of_exports_goes_to_scores_by_commands(cli, trained_on_ct, tmp_path):
    model, rows = trained_on_ct
    half, folder = len(rows) // 2, tmp_path / "plates"
    folder.mkdir()
    export(folder / "p1.txt", *rows[:half])
    export(folder / "p2.txt", *rows[half:])
    export(tmp_path / "all.txt", *rows)
    apart, together = (cli("predict", path, "--model", model) for path in (folder, tmp_path / "all.txt"))
    assert (apart.code, together.code) == (0, 0), apart.err
    assert apart.out == together.out


@pytest.fixture
def trained_on_ct(cli, tmp_path):
    rng = np.random.default_rng(4)
    lines, rows = ["specimen_id,group,miR-21-5p,miR-126-3p,miR-103a-3p"], []
    for i in range(60):
        level = rng.normal(0, 1)
        ct = [26 + level + rng.normal(0, 0.5) - (i % 2), 28 + level + rng.normal(0, 0.5), 25 + level]
        lines.append(f"S{i:02d},{'case' if i % 2 else 'control'},{ct[0]:.2f},{ct[1]:.2f},{ct[2]:.2f}")
        rows += [(f"S{i:02d}", name, f"{c:.2f}") for name, c in zip(("miR-21-5p", "miR-126-3p", "miR-103a-3p"), ct, strict=True)]
    table, plan = tmp_path / "train.csv", tmp_path / "plan.toml"
    table.write_text("\n".join(lines) + "\n")
    plan.write_text('budget = "minimal"\nouter_folds = 2\nrepeats = 1\ninner_folds = 2\n')
    done = cli("train", table, "--label", "group", "--positive", "case", "--plan", plan, "--no-track", "-o", tmp_path / "model")
    assert done.code == 0, done.err
    return tmp_path / "model", rows
