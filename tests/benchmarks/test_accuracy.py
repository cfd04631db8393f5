"""The accuracy benchmark on simulated cohorts, its tests against published ones, and its manifests against the real cohorts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from accuracy import main
from accuracy_methods import METHODS, coded, margins, peers, random_cuts, score, xgboost_extra_trees
from accuracy_ranks import Ranked, cliques, difference_figure, friedman, pairwise, ranks
from accuracy_results import Results, common, compare, summary_table
from accuracy_run import PLANS
from accuracy_tasks import MANIFESTS, Fold, load, load_external, read_task, read_tasks

from exodx.cohort import SimulatedStudy, simulate
from exodx.report.style import png
from exodx.stats import auc

OWN = tuple(METHODS)
QUICK = ("XGBoost defaults", "stumps", "single analyte")

PEER = """
import numpy as np

def toy(fold):
    centre = [np.nanmean(fold.train_features[fold.y == c], axis=0) for c in (0, 1)]
    far = [np.nansum((fold.held_features - c) ** 2, axis=1) for c in centre]
    return far[0] / (far[0] + far[1])

def _no_method(fold):
    return None

def broken(fold):
    return np.full(len(fold.held_features), 2.0)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory, athero):
    """Write two simulated cohorts of one panel; a second file for one of them; and two manifests."""
    folder = tmp_path_factory.mktemp("data")
    for name, seed in (("a", 1), ("b", 2), ("later", 3)):
        table = simulate(athero, SimulatedStudy(n=60, repeated_share=0.2, not_run_share=0.05, seed=seed))
        table.to_csv(folder / f"{name}.csv", index=False)
    manifests = folder / "tasks"
    manifests.mkdir()
    said = 'label = "group"\npositive = ["case"]\npanel = "athero-3"\n'
    (manifests / "first.toml").write_text(f'table = "a.csv"\n{said}[external.later]\ntable = "later.csv"\n')
    (manifests / "second.toml").write_text(f'table = "b.csv"\n{said}')
    return folder


@pytest.fixture
def bench(data, tmp_path):
    def run(*options, methods=QUICK):
        given = [
            "--data",
            data,
            "--manifests",
            data / "tasks",
            "-o",
            tmp_path / "out",
            "--folds",
            2,
            "--methods",
            ",".join(methods),
        ]
        return main([str(option) for option in (*given, *options)])

    run.out = tmp_path / "out"
    run.records = lambda: [json.loads(line) for line in (run.out / "results.jsonl").read_text().splitlines()]
    return run


@pytest.fixture(scope="module")
def fold(data):
    cohort = load(read_tasks(data / "tasks")["first"], data)
    rows = np.arange(len(cohort)) % 3 > 0
    return Fold.cut(cohort[rows], cohort[~rows], seed=0)


def test_tables_pictures_and_margins_of_a_run(bench, capsys):
    assert bench() == 0
    text = capsys.readouterr().out
    assert (bench.out / "table.txt").read_text() == text.removesuffix("\n")
    assert "first (" in text
    assert "first → later (" in text
    assert "held-out folds, 2 tasks" in text
    assert "external cohorts, 1 tasks" in text
    with np.load(bench.out / "margins" / "first.npz") as arrays:
        assert {"y", "fold", *QUICK} == set(arrays)
        assert arrays["stumps"].shape == arrays["y"].shape
        assert np.isfinite(arrays["stumps"]).all()
        per_fold = [auc(arrays["y"][0, rows], arrays["stumps"][0, rows]) for rows in (arrays["fold"][0] == f for f in (0, 1))]
    figures = compare(bench.records(), external=False)["first"]["stumps"]
    assert figures.auc == pytest.approx(np.mean(per_fold), abs=1e-12)
    assert f"{figures.log_loss:8.3f}" in next(line for line in text.splitlines() if "stumps" in line)


def test_every_specimen_is_held_out_once_by_every_method_in_the_same_fold_and_no_subject_is_split(bench, data):
    bench("--repeats", 2, "--only", "folds")
    cohort = load(read_tasks(data / "tasks")["second"], data).sorted()
    for method in QUICK:
        for repeat in (0, 1):
            own = [r for r in bench.records() if (r["task"], r["method"], r["repeat"]) == ("second", method, repeat)]
            assert sorted(row for r in own for row in r["rows"]) == list(range(len(cohort)))
            held = [set(cohort.subjects[r["rows"]]) for r in own]
            assert not held[0] & held[1]
            assert all(r["y"] == cohort.y[r["rows"]].tolist() for r in own)
    assert {r["external"] for r in bench.records()} == {""}
    folds = {(r["task"], r["repeat"], r["fold"], tuple(r["rows"])) for r in bench.records()}
    assert len(folds) == 2 * 2 * 2


def test_what_was_run_is_not_run_again_and_a_broken_line_is(bench):
    bench("--tasks", "second", methods=("XGBoost defaults",))
    bench("--tasks", "second")
    whole = (bench.out / "results.jsonl").read_text()
    assert [r["method"] for r in bench.records()] == ["XGBoost defaults"] * 2 + ["stumps", "single analyte"] * 2
    bench("--tasks", "second")
    assert (bench.out / "results.jsonl").read_text() == whole
    (bench.out / "results.jsonl").write_text(whole[:-40])
    bench("--tasks", "second")
    again = bench.records()
    assert len(again) == 6
    assert [r["margin"] for r in again] == [json.loads(line)["margin"] for line in whole.splitlines()]
    bench("--tasks", "second", "--again", "stumps", "--only", "tables")
    assert {r["method"] for r in bench.records()} == {"XGBoost defaults", "single analyte"}


def test_results_of_other_folds_are_not_mixed(bench):
    bench("--tasks", "second", methods=("single analyte",))
    with pytest.raises(SystemExit, match="other folds or another seed"):
        bench("--tasks", "second", "--seed", 1)


def test_processes_change_the_order_only(bench, tmp_path):
    bench("--tasks", "second", "--jobs", 2, methods=("single analyte",))
    many = {(r["method"], r["fold"]): r["margin"] for r in bench.records()}
    bench.out.rename(tmp_path / "two")
    bench("--tasks", "second", methods=("single analyte",))
    assert many == {(r["method"], r["fold"]): r["margin"] for r in bench.records()}


def test_a_toy_peer_is_a_row_and_a_broken_one_a_gap(bench, tmp_path, capsys):
    (tmp_path / "peer.py").write_text(PEER)
    assert sorted(peers(tmp_path / "peer.py")) == ["broken", "toy"]
    assert bench("--peer", tmp_path / "peer.py", "--tasks", "second", methods=("toy", "broken", "stumps")) == 1
    said = capsys.readouterr()
    assert "second, repeat 0, fold 1, broken: ValueError: broken must return a probability" in said.err
    assert {r["method"] for r in bench.records()} == {"toy", "stumps"}
    assert compare(bench.records(), external=False)["second"]["toy"].auc > 0.6


def test_a_plan_is_a_row_of_exodx_itself(bench, tmp_path):
    (tmp_path / "short.toml").write_text("inner_folds = 2\n")
    bench("--plan", tmp_path / "short.toml", "--tasks", "second", methods=("exodx (short)",))
    assert compare(bench.records(), external=False)["second"]["exodx (short)"].auc > 0.6
    assert {"exodx (standard)", "exodx (quick)"} == set(PLANS)


def test_unknown_names_are_told(bench):
    with pytest.raises(SystemExit, match="unknown method magic; known are XGBoost defaults"):
        bench(methods=("magic",))
    with pytest.raises(SystemExit, match="unknown task third; known are first, second"):
        bench("--tasks", "third")


@pytest.mark.parametrize("method", OWN)
def test_a_method_learns_and_never_sees_held_out_specimens(method, fold):
    y = fold.held_cohort.y
    found, seconds = score(METHODS[method], method, fold)
    assert auc(y, found) > 0.6
    assert np.isfinite(found).all()
    assert seconds >= 0
    alone = Fold(
        fold.cohort, fold.held_cohort[np.array([0])], fold.train_features, fold.held_features[:1], fold.names, fold.scored[:1], 0
    )
    assert score(METHODS[method], method, alone)[0][0] == pytest.approx(found[0], abs=1e-9)


def test_what_cannot_be_scored_gets_the_training_prevalence(fold):
    blind = Fold(
        fold.cohort, fold.held_cohort, fold.train_features, fold.held_features, fold.names, np.zeros_like(fold.scored), fold.seed
    )
    share = fold.y.mean()
    assert score(METHODS["ridge"], "ridge", blind)[0] == pytest.approx(np.log(share / (1 - share)))


def test_the_mean_of_margins_is_that_of_its_members(fold):
    members = ("depth 2", "boosted random forest", "ridge", "extra-trees (XGBoost)")
    expected = np.mean([score(METHODS[name], name, fold)[0] for name in members], axis=0)
    found, seconds = score(METHODS["mean of margins"], "mean of margins", fold)
    assert found == pytest.approx(expected, abs=1e-12)
    assert seconds >= sum(fold.memo[name][1] for name in members)


def test_extra_trees_grown_by_xgboost_resemble_those_of_scikit_learn(fold):
    ours = score(xgboost_extra_trees, "extra-trees (XGBoost)", fold)[0]
    theirs = score(METHODS["extra-trees"], "extra-trees", fold)[0]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9


def test_features_are_cut_at_random_points_and_missing_ones_stay_missing():
    features = np.array([[0.0, np.nan], [1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    cuts = random_cuts(np.sort(features, axis=0), 5, np.random.default_rng(0))
    drawn = np.random.default_rng(0).random((2, 5))[0]
    assert cuts[0] == pytest.approx(np.sort(np.quantile([0.0, 1.0, 2.0], drawn)))
    assert np.isposinf(cuts[1]).all()
    codes = coded(features, cuts)
    assert codes[:3, 0].tolist() == [float((cuts[0] < v).sum()) for v in (0.0, 1.0, 2.0)]
    assert np.isnan(codes[3, 0])
    assert np.isnan(codes[:, 1]).all()


def test_margins_of_sure_trees_stay_finite():
    assert margins(np.array([0.0, 0.5, 1.0]), 0.001) == pytest.approx([-np.log(999), 0, np.log(999)])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('table = "a.csv"\nlabel = "group"\npositive = ["case"]\npositives = ["case"]\n', "unknown key positives"),
        ('table = "a.csv"\nlabel = "group"\n', "no positive"),
        ('table = "a.csv"\nlabel = "group"\npositive = ["case"]\ncolumns = ["x"]\n', "columns need their unit"),
        ('table = "a.csv"\nlabel = "group"\npositive = ["case"]\n[external.x]\ntables = "b"\n', "unknown key tables"),
    ],
)
def test_a_manifest_that_is_wrong_is_told(tmp_path, text, why):
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(SystemExit, match=why):
        read_task(tmp_path / "wrong.toml")


def test_a_manifest_chooses_analytes_their_unit_and_who_takes_part(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"s{i},{'abc'[i % 3]},{','.join(f'{v:.3f}' for v in rng.normal(size=3))}" for i in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["specimen,label,x,y,z", *rows]) + "\n")
    said = 'table = "t.csv"\nlabel = "label"\npositive = ["a"]\nspecimen = "specimen"\n'
    (tmp_path / "t.toml").write_text(said + 'leave_out = ["c"]\nwithout = ["y"]\nunit = "log2"\n')
    cohort = load(read_task(tmp_path / "t.toml"), tmp_path)
    assert (len(cohort), int(cohort.y.sum())) == (20, 10)
    assert {(a.name, a.unit) for a in cohort.panel.analytes} == {("x", "log2"), ("z", "log2")}
    (tmp_path / "t.toml").write_text(said.replace('["a"]', '["a", "b"]') + 'columns = ["z", "x"]\nunit = "z-score"\n')
    cohort = load(read_task(tmp_path / "t.toml"), tmp_path)
    assert (len(cohort), int(cohort.y.sum())) == (30, 20)
    assert cohort.panel.names == ("z", "x")


DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
"""AUC of four versions of C4.5 on 14 data sets: table 6 of Demšar, J Mach Learn Res 2006;7:1–30.

Two that round alike there have ranks 2 and 3, hence the fourth digit.
"""


def test_ranks_and_the_friedman_test_are_those_of_the_paper():
    assert ranks(DEMSAR, more_is_better=True).mean(axis=0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert ranks(-DEMSAR, more_is_better=False).mean(axis=0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    n, k = DEMSAR.shape
    mean = ranks(DEMSAR, more_is_better=True).mean(axis=0)
    plain = 12 * n / (k * (k + 1)) * (np.sum(mean**2) - k * (k + 1) ** 2 / 4)
    assert plain == pytest.approx(9.28, abs=0.005)  # the paper's, which does not correct for ties
    statistic, p = friedman(DEMSAR)
    assert statistic > plain
    assert 0 < p < 0.05


HOLM_R = {(0, 1): 0.0721822, (0, 2): 0.8888070, (0, 3): 0.0873088, (1, 2): 0.1765867, (1, 3): 0.7005815, (2, 3): 0.1319737}
"""R: p.adjust(p, "holm") of wilcox.test(x[x != 0]), x the differences of two columns rounded to 6 digits."""


def test_pairs_are_tested_and_corrected_as_in_r():
    p = pairwise(DEMSAR)
    assert (p == p.T).all()
    assert {pair: p[pair] for pair in HOLM_R} == pytest.approx(HOLM_R, abs=1e-7)
    assert friedman(DEMSAR) == pytest.approx((10.228, 0.01672), rel=1e-4)  # R: friedman.test(d)
    assert pairwise(np.ones((5, 3))).tolist() == np.ones((3, 3)).tolist()
    assert friedman(np.ones((5, 3))) == (0.0, 1.0)


def test_bars_join_the_longest_runs_that_are_not_told_apart():
    p = np.ones((4, 4))
    p[0, 2] = p[2, 0] = p[0, 3] = p[3, 0] = 0.01
    assert cliques([0, 1, 2, 3], p, 0.05) == [(0, 1), (1, 3)]
    assert cliques([3, 2, 1, 0], p, 0.05) == [(0, 2), (2, 3)]
    assert cliques([0, 1], np.zeros((2, 2)), 0.05) == []


def test_the_picture_names_every_method_once_with_its_rank():
    names = ["one", "two", "three", "a name that is far too long for any picture"]
    ranked = Ranked.of("AUC", names, DEMSAR, more_is_better=True)
    assert ranked.names[0] == names[3]
    figure = difference_figure(ranked)
    texts = [text.get_text() for text in figure.axes[0].texts]
    for name, mean in (("one", "3.14"), ("two", "2.00"), ("three", "2.89"), ("a name that is far too lo…", "1.96")):
        assert len([text for text in texts if name in text and mean in text]) == 1
    assert "Mean rank by AUC over 14 tasks" in texts
    assert png(figure)[:4] == b"\x89PNG"


def test_a_method_that_did_not_run_everywhere_is_left_out_of_the_means_and_named(tmp_path):
    results = Results(tmp_path / "r.jsonl", 2, 0)
    rng = np.random.default_rng(0)
    for task in ("t", "u"):
        for method in ("a", "b") if task == "t" else ("a",):
            for fold in (0, 1):
                y = [0, 1] * 10
                record = {"task": task, "method": method, "repeat": 0, "fold": fold, "external": "", "folds": 2, "seed": 0}
                margin = (np.array(y) + rng.normal(size=20)).tolist()
                results.add({**record, "seconds": 1.0, "n_train": 20, "unscored": 0, "rows": [], "y": y, "margin": margin})
    compared = compare(results.records, external=False)
    assert common(compared) == (["a"], ["t", "u"])
    assert "b: only on 1 of 2 tasks" in summary_table(compared, "held-out folds")


@pytest.mark.cohorts
@pytest.mark.parametrize("name", sorted(path.stem for path in MANIFESTS.glob("*.toml")))
def test_every_manifest_reads_its_real_cohort(name, cohorts_folder):
    task = read_tasks(MANIFESTS)[name]
    if not (cohorts_folder / task.table).is_file():
        pytest.skip(f"the cohort is not here: {cohorts_folder / task.table}")
    cohort = load(task, cohorts_folder)
    assert 15 <= cohort.y.sum() <= len(cohort) - 15
    assert {a.name for a in cohort.panel.analytes} >= set(task.columns)
    if task.external:
        (other,) = load_external(task, cohorts_folder, cohort).values()
        assert other.panel == cohort.panel
        assert other.fingerprint != cohort.fingerprint
        assert 0 < other.y.sum() < len(other)
