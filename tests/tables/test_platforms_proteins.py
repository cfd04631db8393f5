"""Mass-spectrometry tables: what was not measured is blank and counted, decoys are out, genes name columns, accessions stay."""

import openpyxl
import pytest

from exodx.cohort import Intake, build_cohort
from exodx.errors import InputRefused
from exodx.frozen import State
from exodx.tables.layout import to_wide
from exodx.tables.reader import read_table

MAXQUANT = """Protein IDs\tMajority protein IDs\tGene names\tPeptides\tIntensity\tIntensity P1\tIntensity P2\tLFQ intensity P1\t\
LFQ intensity P2\tiBAQ\tiBAQ peptides\tiBAQ P1\tiBAQ P2\tOnly identified by site\tReverse\tPotential contaminant
P35237;A0A087X1N8\tP35237\tSERPINB6\t5\t9\t1000\t2000\t1100\t2100\t1\t4\t10\t20\t\t\t
P01375\tP01375\tTNF\t5\t9\t3000\t0\t3100\t0\t1\t4\t30\t0\t\t\t
Q14457\tQ14457\tBECN1\t5\t9\t5000\t6000\t5100\tNaN\t1\t4\t50\t60\t\t\t
Q14457-2\tQ14457-2\tBECN1\t5\t9\t500\t600\t510\t610\t1\t4\t5\t6\t\t\t
P02768\tP02768\t\t5\t9\t700\t800\t710\t810\t1\t4\t7\t8\t\t\t
REV__P1\tREV__P1\t\t1\t9\t1\t1\t1\t1\t1\t4\t1\t1\t\t+\t
CON__P2\tCON__P2\tKRT1\t1\t9\t1\t1\t1\t1\t1\t4\t1\t1\t\t\t+
P00001\tP00001\tX\t1\t9\t1\t1\t1\t1\t1\t4\t1\t1\t+\t\t
"""
DIANN = """Protein.Group\tProtein.Ids\tProtein.Names\tGenes\tFirst.Protein.Description\tN.Sequences\t\
D:\\run\\P1.raw\tD:\\run\\P2.raw
P35237\tP35237;A0A087X1N8\tSPB6_HUMAN\tSERPINB6\tx\t3\t1100.5\t2100
P01375\tP01375\tTNFA_HUMAN\tTNF\tx\t3\t3100\t
"""
PIVOT = """PG.ProteinGroups,PG.Genes,PG.ProteinDescriptions,[1] P1.raw.PG.Quantity,[2] P2.raw.PG.Quantity,[1] P1.raw.PG.IsSingleHit
P35237,SERPINB6,x,1100.5,2100,False
P01375,TNF,x,3100,Filtered,False
"""
FRAGPIPE = """Protein\tProtein ID\tEntry Name\tGene\tP1 Spectral Count\tP1 Intensity\tP2 Intensity\t\
P1 MaxLFQ Intensity\tP2 MaxLFQ Intensity
sp|P35237|SPB6\tP35237\tSPB6_HUMAN\tSERPINB6\t3\t1000\t2000\t1100.5\t2100
sp|P01375|TNFA\tP01375\tTNFA_HUMAN\tTNF\t3\t3000\t0\t3100\t0
"""
SKYLINE = """Protein,Replicate,Sample Type,Normalized Area,Total Area
TNF,P1.raw,Unknown,3100,5
SERPINB6,P1.raw,Unknown,1100.5,5
TNF,P2.raw,Unknown,#N/A,5
SERPINB6,P2.raw,Unknown,2100,5
TNF,QC1,Quality Control,3000,5
SERPINB6,QC1,Quality Control,3000,5
"""
SPECTRONAUT = """R.FileName\tPG.ProteinGroups\tPG.Quantity\tEG.PrecursorId
P1\tSERPINB6\t1100.5\ta
P1\tSERPINB6\t1100.5\tb
P1\tTNF\t3100\tc
P2\tSERPINB6\t2100\ta
P2\tTNF\tNaN\tc
"""
PROGRAMS = {
    "DIA-NN": (DIANN, "MaxLFQ"),
    "Spectronaut": (PIVOT, "PG.Quantity"),
    "FragPipe": (FRAGPIPE, "MaxLFQ Intensity"),
    "Skyline": (SKYLINE, "Normalized Area"),
    "Spectronaut long": (SPECTRONAUT, "PG.Quantity"),
}


@pytest.fixture
def read(tmp_path):
    def written(text):
        path = tmp_path / "table"
        path.write_text(text)
        return read_table(path)

    return written


def refused(read, text):
    with pytest.raises(InputRefused) as caught:
        read(text)
    return {p.code for p in caught.value.problems}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_gives_the_same_intensities(program, read):
    text, measure = PROGRAMS[program]
    table = read(text)
    assert table.columns["specimen_id"] == ["P1", "P2"]
    assert table.columns["SERPINB6"] == ["1100.5", "2100"]
    assert table.columns["TNF"] == ["3100", ""]
    assert set(table.analytes) == {"SERPINB6", "TNF"}
    assert (table.unit, table.platform) == ("intensity", program.removesuffix(" long"))
    assert any(measure in note and "is read" in note for note in table.notes)
    assert any(note.startswith("1 of 4 intensities (25%)") for note in table.notes)
    assert to_wide(table, lambda name: False) is table


@pytest.mark.parametrize("program", ["DIA-NN", "Spectronaut", "FragPipe"])
def test_accessions_stay_known(program, read):
    assert read(PROGRAMS[program][0]).accessions == {"SERPINB6": "P35237", "TNF": "P01375"}


def test_maxquant_leaves_decoys_out_and_names_groups_by_gene_where_one_has_it(read):
    table = read(MAXQUANT)
    assert table.columns["specimen_id"] == ["P1", "P2"]
    assert table.analytes == ("SERPINB6", "TNF", "Q14457", "Q14457-2", "P02768")
    assert table.columns["TNF"] == ["3100", ""]
    assert table.columns["Q14457"] == ["5100", ""]
    assert table.accessions == {"SERPINB6": "P35237", "TNF": "P01375", **{n: n for n in ("Q14457", "Q14457-2", "P02768")}}
    assert {
        "protein groups left out: 1 contaminant, 1 decoy, 1 only identified by site",
        "3 groups without a gene of their own are named by their accessions",
        "2 of 10 intensities (20%) are zero or blank: not measured",
    } <= set(table.notes)
    assert any("LFQ intensity is read" in note for note in table.notes)


@pytest.mark.parametrize(("without", "measure", "value"), [(("LFQ ",), "iBAQ", "30"), (("LFQ ", "iBAQ"), "Intensity", "3000")])
def test_maxquant_measures_in_their_order(without, measure, value, read):
    header, _, body = MAXQUANT.partition("\n")
    names = header.split("\t")
    keep = [i for i, name in enumerate(names) if not name.startswith(without)]
    lines = ["\t".join(line.split("\t")[i] for i in keep) for line in (header, *body.splitlines())]
    table = read("\n".join(lines) + "\n")
    assert table.columns["TNF"] == [value, "" if measure == "Intensity" else "0"]  # numbers up to 60 are not taken for intensities
    assert any(f"{measure} is read" in note for note in table.notes)
    assert table.unit == ("intensity" if measure == "Intensity" else "")


def test_logarithms_keep_their_zeros_and_the_unit_is_not_told(read):
    table = read(DIANN.replace("1100.5", "10.1").replace("2100", "0").replace("3100", "-1.5"))
    assert table.columns["SERPINB6"] == ["10.1", "0"]
    assert table.unit == ""
    assert any("look like logarithms" in note for note in table.notes)


def test_blank_intensities_are_not_run_in_a_cohort(read):
    cohort = build_cohort(read(MAXQUANT), Intake())
    assert State(cohort.measurements.column("TNF")[1][1]) is State.NOT_RUN
    assert {a.unit for a in cohort.panel.analytes} == {"intensity"}


def test_runs_whose_names_would_collide_keep_their_paths(read):
    table = read(DIANN.replace("run\\P2", "other\\P1"))
    assert table.columns["specimen_id"] == ["D:\\run\\P1.raw", "D:\\other\\P1.raw"]


def test_quality_controls_of_skyline_are_left_out_and_counted(read):
    assert "rows left out: 2 Quality Control" in read(SKYLINE).notes
    camel = SKYLINE.replace(
        "Protein,Replicate,Sample Type,Normalized Area,Total Area", "ProteinName,ReplicateName,SampleType,TotalArea,X"
    )
    assert read(camel).columns["TNF"] == ["3100", ""]
    assert refused(read, SKYLINE.replace("Unknown", "Blank")) == {"NO_SPECIMEN"}


REFUSED = {
    "several peptides a protein": (SKYLINE + "TNF,P1.raw,Unknown,77,5\n", "VALUE_TWICE"),
    "SILAC": (MAXQUANT.replace("iBAQ peptides", "Ratio H/L P1"), "NOT_LABEL_FREE"),
    "reporter ions": (MAXQUANT.replace("iBAQ peptides", "Reporter intensity corrected 1"), "NOT_LABEL_FREE"),
    "only a total": ("Protein IDs\tReverse\tIntensity\nP01375\t\t5000\n", "NO_SPECIMEN"),
    "precursors": ("Run\tProtein.Group\tPrecursor.Id\tPG.MaxLFQ\nP1\tP01375\tAAK2\t5000\n", "NOT_PROTEINS"),
    "a group twice": (DIANN + DIANN.splitlines()[1] + "\n", "ANALYTE_TWICE"),
    "nothing but decoys": ("\n".join([*MAXQUANT.splitlines()[:1], *MAXQUANT.splitlines()[6:]]) + "\n", "NO_ANALYTE"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_would_be_misread_is_refused(why, read):
    text, code = REFUSED[why]
    assert refused(read, text) == {code}


GROUPS = "id,P35237;A0A087X1N8,P01375,Q14457-2;Q14457,_age\nS1,1000,0,500,61\nS2,,3000,600,70\n"


def test_protein_groups_in_columns(read):
    table = read(GROUPS)
    assert table.analytes == ("P35237;A0A087X1N8", "P01375", "Q14457-2;Q14457")
    assert table.columns["P01375"] == ["", "3000"]
    assert table.columns["_age"] == ["61", "70"]
    assert table.accessions["P35237;A0A087X1N8"] == "P35237;A0A087X1N8"
    assert "2 of 6 intensities (33%) are zero or blank: not measured" in table.notes
    assert set(build_cohort(table, Intake()).panel.names) == set(table.analytes)


def test_protein_groups_in_rows(read):
    table = read("protein,S1.raw,S2.raw\nP35237;A0A087X1N8,1000,\nP01375,0,3000\nQ14457,500,600\n")
    assert table.columns["specimen_id"] == ["S1", "S2"]
    assert table.columns["P01375"] == ["", "3000"]


def test_specimens_that_look_like_accessions_are_not_taken_for_proteins(read):
    table = read("miRNA,P00001,P00002,P00003\nmiR-1-3p,5,0,700\n")
    assert (table.platform, table.columns["P00002"]) == ("", ["0"])


@pytest.mark.cohorts
def test_the_real_proteome(cohorts_folder):
    path = cohorts_folder / "ad-csf-proteome-multisite" / "Alzheimer.xlsx"
    if not path.is_file():
        pytest.skip(f"the proteome is not here: {path}")
    table = read_table(path)
    book = openpyxl.load_workbook(path, read_only=True)
    raw = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    book.close()
    header = [str(name) for name in raw[0]]
    groups = [i for i, name in enumerate(header) if not name.startswith("_")]
    assert list(table.analytes) == [header[i] for i in groups]
    for i in groups[::200]:
        assert [float(c) if c else None for c in table.columns[header[i]]] == [row[i] or None for row in raw[1:]]
    missing = sum(not row[i] for row in raw[1:] for i in groups)
    assert f"{missing} of {210 * len(groups)} intensities (21%) are zero or blank: not measured" in table.notes
