"""What the README says of other tools is what they do where they are installed, and its lab tables are what their script writes."""

from __future__ import annotations

import filecmp

import pandas as pd
import pytest

from tests.cli.calls import ROOT
from tests.studies import lab_table
from tests.studies.rivals import ANALYTES, TOOLS, answers, main, write_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("tables")
    write_tables(place)
    return place


def cells(question: str) -> list[str]:
    """Return a row of the README's table."""
    lines = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith(f"| {question}")]
    assert len(lines) == 1, question
    return [cell.strip() for cell in lines[0].strip("|").split("|")][1:]


@pytest.mark.parametrize(("name", "place"), [("scikit-learn", 0), ("xgboost", 1)])
def test_what_a_rival_does_is_what_the_readme_says(folder, name, place):
    said = dict(answers(TOOLS[name](), folder))
    assert said["one specimen alone, as in 60"] == "difference 0.0e+00"
    assert said["9 Ct 'Undetermined'"].startswith("refused")
    assert said["miR-126-3p called hsa-miR-126"].startswith("refused")
    moved = said["PD-L1 in ng/mL, model in pg/mL"]
    assert moved.startswith("scored; ")
    told = cells("PD-L1 in ng/mL")[1].removeprefix("scored; ").split(" of 60")[0].split(", ")
    assert abs(int(told[place]) - int(moved.split()[1])) <= 6  # other versions cut elsewhere
    chance = float(said["3 specimens a subject, labels by chance"].removeprefix("AUC "))
    assert abs(chance - float(cells("every specimen measured three times")[1].split(", ")[place])) < 0.05


def test_exodx_does_what_the_readme_says_of_it(folder):
    tool = TOOLS["exodx"]()
    model, chance = tool.fit(folder / "repeated.csv")
    whole, alone, renamed = (tool.score(model, folder / f"{name}.csv") for name in ("new", "one", "alias"))
    assert alone[0] == whole[7]
    assert renamed.tolist() == whole.tolist()
    with pytest.raises(RuntimeError, match=r"UNIT_SUSPECT.*about ÷1000"):
        tool.score(model, folder / "unit.csv")
    assert abs(chance - 0.5) < 0.12
    assert abs(chance - float(cells("every specimen measured three times")[0].removeprefix("AUC "))) < 0.05


def test_the_tables_are_what_is_asked(folder):
    tables = {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}
    assert (tables["undetermined"]["miR-145-5p"] == "Undetermined").sum() == 9
    assert (tables["repeated"].groupby("subject_id").size() == 3).all()
    assert len(tables["repeated"][["subject_id", "group"]].drop_duplicates()) == 100
    assert (tables["new"]["PD-L1"] / tables["unit"]["PD-L1"]).round(1).eq(1000).all()
    assert set(tables["new"]) - set(tables["alias"]) == {"miR-126-3p"}
    assert tables["one"].to_numpy().tolist() == tables["new"].iloc[[7]].to_numpy().tolist()
    assert all(set(ANALYTES) <= set(tables[name]) for name in ("train", "repeated", "unit"))


def test_the_script_writes_tables_and_asks_no_one_else(tmp_path, capsys):
    main(["--tables", str(tmp_path / "t")])
    assert capsys.readouterr().out == ""
    assert len(list((tmp_path / "t").glob("*.csv"))) == 7


def test_the_lab_tables_are_those_that_their_script_writes(tmp_path):
    lab_table.write(tmp_path)
    names = [path.name for path in tmp_path.iterdir()]
    same, _, _ = filecmp.cmpfiles(tmp_path, ROOT / "data" / "lab-table-simulated", names, shallow=False)
    assert sorted(same) == sorted(names) == ["as-exported.csv", "mended.csv", "new.csv", "readable.csv"]
