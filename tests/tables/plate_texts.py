"""One invented plate, written as each family of readers writes it: what is on it is known, so what is read off it must be that."""

from __future__ import annotations

from dataclasses import dataclass

from exodx.stats import Curve

LEVELS = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
ANALYTES = {"PD-L1": Curve("4PL", 40.0, 1.1, 120.0, 26000.0), "CD9": Curve("4PL", 30.0, 0.9, 60.0, 18000.0)}
OD = {"PD-L1": Curve("4PL", 0.06, 1.2, 150.0, 3.4)}
SPECIMENS = {"P-01": (50.0, 2.0), "P-02": (0.2, 4.0), "P-03": (6000.0, 10.0), "P-04": (400.0, 1.0)}
"""Concentration in the well, and by what it was diluted."""

TRUTH = {"P-01": 100.0, "P-02": "<4", "P-03": ">10000", "P-04": 400.0}


@dataclass(frozen=True)
class Put:
    """What somebody put in a well."""

    well: str
    kind: str
    name: str
    amount: float
    dilution: float = 1.0


def content() -> list[Put]:
    """Standards in columns 1 and 2, blanks in H1 and H2, controls in A3 and A4, specimens in duplicate below them."""
    puts = [Put(f"{'ABCDEFG'[i]}{j}", "standard", f"S{i + 1}", x) for i, x in enumerate(LEVELS) for j in (1, 2)]
    puts += [Put(f"H{j}", "blank", "B", 0.0) for j in (1, 2)] + [Put(f"A{j}", "control", "C1", 80.0) for j in (3, 4)]
    for i, (name, (amount, dilution)) in enumerate(SPECIMENS.items()):
        puts += [Put(f"{'BCDE'[i]}{j}", "unknown", name, amount, dilution) for j in (3, 4)]
    return puts


def reading(curve: Curve, put: Put) -> float:
    """Wells read what the curve says; the second blank 2 % more, so that there is a limit of blank."""
    return float(curve.signal(put.amount)) * (1.02 if put.well == "H2" else 1.0)


def long(sign: str = ",", decimal: str = ".", curves=OD, plate: str = "") -> str:
    rows = [
        ["well", "kind", "specimen_id", "analyte", "concentration (pg/mL)", "signal", "dilution", *(["plate"] if plate else [])]
    ]
    for put in content():
        for analyte, curve in curves.items():
            amount = f"{put.amount:g}" if put.kind == "standard" else ""
            cells = [put.well, put.kind, put.name, analyte, amount, repr(reading(curve, put)), f"{put.dilution:g}"]
            cells[4:7] = [cell.replace(".", decimal) for cell in cells[4:7]]
            rows.append([*cells, *([plate] if plate else [])])
    return "\n".join(sign.join(row) for row in rows) + "\n"


def xponent() -> str:
    puts = content()
    names = {"standard": lambda p: f"Standard{p.name[1:]}", "blank": lambda p: "Background0", "control": lambda p: "Control1"}
    lines = ['"Program","xPONENT","","MAGPIX"', '"Build","4.2.1705.0"', '"Batch","EV_plate_7"', "", '"Results"', ""]

    def block(name, header, rows):
        lines.extend([f'"DataType:","{name}"', ",".join(f'"{h}"' for h in header)])
        lines.extend(",".join(f'"{cell}"' for cell in row) for row in rows)
        lines.append("")

    placed = [(f"{i}(1,{p.well})", names.get(p.kind, lambda p: p.name)(p), p) for i, p in enumerate(puts, 1)]
    signals = [[at, name, *(repr(reading(c, p)) for c in ANALYTES.values()), 300] for at, name, p in placed]
    block("Median", ["Location", "Sample", *ANALYTES, "Total Events"], signals)
    block("Net MFI", ["Location", "Sample", *ANALYTES, "Total Events"], [[*row[:2], 1, 1, 300] for row in signals])
    result = [[at, name, *[p.amount * p.dilution * 1.1] * 2, 300] for at, name, p in placed]
    block("Result", ["Location", "Sample", *ANALYTES, "Total Events"], result)
    block("Units", ["Analyte:", *ANALYTES], [["BeadID:", 28, 35], ["Units:", "pg/ml", "pg/ml"]])
    expected = {name: p.amount for _, name, p in placed if p.kind == "standard"}
    block("Standard Expected Concentration", ["Reagent", *ANALYTES], [[name, x, x] for name, x in expected.items()])
    block("Dilution Factor", ["Location", "Sample", "Dilution Factor"], [[at, name, f"{p.dilution:g}"] for at, name, p in placed])
    return "\n".join([*lines, "-- CRC --", "CRC32: 40B50595"]) + "\n"


def bioplex_rows(analyte: str) -> list[list[str]]:
    """One analyte's table, with the rows of means (two wells in one cell) that Bio-Plex Manager adds."""
    curve = ANALYTES[analyte]
    header = ["Analyte", "Type", "Well", "Outlier", "Description", "FI", "FI - Bkgd", "Obs Conc", "Exp Conc (pg/ml)", "Dilution"]
    numbers = {name: f"X{i}" for i, name in enumerate(SPECIMENS, 1)}
    rows = []
    for put in content():
        fi = f"{reading(curve, put):.12g}"
        observed = {"P-02": "OOR <", "P-03": "OOR >", "P-04": "*444.4"}.get(put.name, f"{put.amount * put.dilution:g}")
        amount = f"{put.amount:g}" if put.kind == "standard" else ""
        kind = numbers.get(put.name, put.name)
        rows.append(
            [
                f"{analyte} (28)",
                kind,
                put.well,
                "0",
                put.name if put.name in numbers else "",
                fi,
                "1",
                observed,
                amount,
                f"{put.dilution:g}",
            ]
        )
    means = [[*row[:2], f"{row[2]},{other[2]}", *row[3:]] for row, other in zip(rows[::2], rows[1::2], strict=True)]
    return [["File Name: x.rbx"], ["Plate ID:", "EV-7"], [], header, *rows, *means]


def bioplex() -> str:
    tables = ["\n".join("\t".join(row) for row in bioplex_rows(analyte)) for analyte in ANALYTES]
    return "\n\n".join(tables) + "\n"


def msd(plates=("Plate_2BO40AW287",), groups: bool = False) -> str:
    """S001, U001, … with the specimens' names only where sample groups say what they are."""
    lines = []
    for plate in plates:
        lines += [plate + "," * 8]
        lines.append(
            ("Sample Group," if groups else "")
            + "Sample,Assay,Well,Spot,Dilution,Concentration,Signal,Mean,Calc. Concentration,Detection Range"
        )
        kinds = {"standard": "Standards", "blank": "Blanks", "control": "Controls", "unknown": "Unknowns"}
        for put in content():
            for spot, (analyte, curve) in enumerate(ANALYTES.items(), 1):
                name = (
                    put.name if groups else f"U00{put.name[-1]}" if put.kind == "unknown" else f"{put.name[0]}00{put.name[1:] or 1}"
                )
                amount = f"{put.amount:g}" if put.kind == "standard" else ""
                flag = "In Detection Range" if put.name != "P-03" else "Above Detection Range"
                cells = [name, analyte, put.well, spot, f"{put.dilution:g}", amount, repr(reading(curve, put)), "", "NaN", flag]
                lines.append(",".join(map(str, ([kinds[put.kind]] if groups else []) + cells)))
        lines.append("")
    return "\n".join(lines)


def drawing(values: dict[str, str]) -> list[list[str]]:
    return [[values.get(f"{letter}{n}", "") for n in range(1, 13)] for letter in "ABCDEFGH"]


def gen5_rows(plate: str = "Plate 1", name: bool = True, apart: bool = False) -> list[list[str]]:
    puts = {p.well: p for p in content()}
    stems = {"standard": "STD", "blank": "BLK", "control": "CTL", "unknown": "SPL"}
    ids = {
        w: stems[p.kind] + (p.name[1:] if p.kind == "standard" else p.name[-1] if p.kind == "unknown" else "")
        for w, p in puts.items()
    }
    amounts = {
        w: f"{p.amount:g}" if p.kind == "standard" else f"{1 / p.dilution:g}" if p.kind == "unknown" else ""
        for w, p in puts.items()
    }
    names = {w: p.name for w, p in puts.items() if p.kind == "unknown"}
    read = {w: repr(reading(OD["PD-L1"], p)) for w, p in puts.items()}
    rows = [
        ["Software Version", "3.12.08"],
        [],
        ["Plate Number", plate],
        ["Procedure Details"],
        [],
        ["Layout"],
        ["", *map(str, range(1, 13))],
    ]
    layers = {"Well ID": ids, "Conc/Dil": amounts} | ({"Name": names} if name else {})

    def draw(layers):
        for i, letter in enumerate("ABCDEFGH"):
            for j, (label, values) in enumerate(layers.items()):
                rows.append([letter if j == 0 else "", *drawing(values)[i], label])
        rows.append([])

    draw(layers)
    drawn = {"450": read, "Blank 450": {w: "0.1" for w in read}, "Conc": {"B4": "<0.000"}}
    for title, layers in {label: {label: values} for label, values in drawn.items()}.items() if apart else [("Results", drawn)]:
        rows.extend([[title], ["", *map(str, range(1, 13))]])
        draw(layers)
    return rows


def gen5(**options) -> str:
    return "\n".join("\t".join(row) for row in gen5_rows(**options)) + "\n"


def softmax(plates=("Plate1",), platename: bool = True, groups: bool = True) -> str:
    puts = content()
    read = {p.well: reading(OD["PD-L1"], p) for p in puts}
    lines = [f"##BLOCKS= {len(plates) + 2}"]
    for plate in plates:
        lines.append(
            f"Plate:\t{plate}\t1.3\tPlateFormat\tEndpoint\tAbsorbance\tReduced\tFALSE\t1\t\t\t\t\t\t1\t450 \t1\t12\t96\t1\t8"
        )
        lines.append("\tTemperature\t" + "\t".join(map(str, range(1, 13))))
        lines += ["\t\t" + "\t".join(row) for row in drawing({w: repr(y) for w, y in read.items()})]
        lines += ["", "~End"]
    kinds = {"standard": "Standards", "control": "Controls", "unknown": "Unknowns", "blank": "Blank"}
    for kind, group in kinds.items() if groups else ():
        amount = "Concentration (pg/ml)" if kind == "standard" else "Dilution"
        lines += [f"Group: {group}", f"Sample\tWells\tValues\t{amount}\tResult" + ("\tWellPlateName" if platename else "")]
        seen = set()
        for put in (p for p in puts if p.kind == kind):
            for plate in plates if platename else plates[:1]:
                first = put.name not in seen
                seen.add(put.name)
                told = f"{put.amount if kind == 'standard' else put.dilution:g}"
                cells = [put.name if first else "", put.well, f"{read[put.well]:.3f}", told if first else "", f"{put.amount:g}"]
                lines.append("\t".join([*cells, *([plate] if platename else [])]))
        lines += [
            "",
            "Group Column\tFormula Name\tFormula\tPrecision\tNotation",
            "1\tSample\t!SampleNames\t2 decimal places\tNumeric",
            "~End",
        ]
    return "\r\n".join([*lines, "Original Filename: x"]) + "\r\n"
