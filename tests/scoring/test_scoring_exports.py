"""A model scores an instrument's export: replicate wells as their median, controls left out, spread flagged."""

import numpy as np
import pytest

from exodx.panel import Analyte, Panel
from exodx.scoring.intake import read_specimens
from exodx.tables.reader import read_table
from exodx.training import train_model

PANEL = Panel(
    "qpcr",
    "1",
    "t",
    (
        Analyte("miR-126-3p", "mirna", "Ct", direction="down"),
        Analyte("miR-145-5p", "mirna", "Ct", direction="up"),
        Analyte("miR-16-5p", "mirna", "Ct", role="reference"),
    ),
    normalisation="references",
)
HEADER = "Well\tWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tCT\n"
WELLS = {
    ("P1", "miR-126-3p"): ["27.10", "27.30", "27.25"],
    ("P1", "miR-145-5p"): ["31.0", "31.2"],
    ("P1", "miR-16-5p"): ["21.0"],
    ("P2", "miR-126-3p"): ["28.0", "28.1", "29.4"],
    ("P2", "miR-145-5p"): ["Undetermined", "34.0", "Undetermined"],
    ("P2", "miR-16-5p"): ["22.0", "22.0", "Undetermined"],
}
WIDE = "specimen_id,miR-126-3p,miR-145-5p,miR-16-5p\nP1,27.25,31.1,21.0\nP2,28.1,Undetermined,22.0\n"


@pytest.fixture(scope="module")
def qpcr_model(make_cohort, fast_plan):
    return train_model(make_cohort(PANEL, n=80, seed=3), fast_plan)


@pytest.fixture
def read(tmp_path, qpcr_model):
    def read(text):
        (tmp_path / "file").write_text(text)
        return read_specimens(read_table(tmp_path / "file"), qpcr_model, None, keep_going=False)

    return read


def export(wells):
    rows = [(who, target, "UNKNOWN", ct) for (who, target), cts in wells.items() for ct in cts]
    rows.append(("NTC", "miR-16-5p", "NTC", "39.1"))
    body = "".join(f"{i}\tA{i}\tfalse\t{who}\t{target}\t{task}\tFAM\t{ct}\n" for i, (who, target, task, ct) in enumerate(rows, 1))
    return f"* Block Type = 96\n\n[Results]\n{HEADER}{body}"


def test_an_export_scores_as_the_table_of_its_medians(read, qpcr_model):
    wells, table = read(export(WELLS)), read(WIDE)
    assert wells.ids == table.ids == ("P1", "P2")
    predictions = [qpcr_model.predict(s.measurements, s.ids) for s in (wells, table)]
    np.testing.assert_allclose(predictions[0].margin, predictions[1].margin, rtol=1e-12)
    assert predictions[0].status == ("OK", "WARN")
    assert predictions[0].reasons[1].startswith("REPLICATES_DISAGREE: replicate wells differ")
    assert "wells left out: 1 ntc" in wells.notes


def test_one_specimen_alone_scores_as_in_its_export(read, qpcr_model):
    both = qpcr_model.predict((s := read(export(WELLS))).measurements, s.ids)
    for row, name in enumerate(("P1", "P2")):
        s = read(export({pair: cts[::-1] for pair, cts in WELLS.items() if pair[0] == name}))
        alone = qpcr_model.predict(s.measurements, s.ids)
        assert (alone.specimen_ids, alone.reasons) == ((name,), (both.reasons[row],))
        assert alone.margin.tobytes() == both.margin[row : row + 1].tobytes()
