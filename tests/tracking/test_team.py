"""A team's set-up as the README has it: PostgreSQL, MLflow's server with accounts, and what each role may do, over real HTTP."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from exodx.frozen import save_bundle
from exodx.tracking import open_store
from exodx.tracking.review import read_log, read_rules
from tests.tracking.servers import PASSWORD, environment_of, mlflow_server, postgres, postgres_programs

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ADMIN = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "twelve letters and more"}
TRAINER = """
import sys
from pathlib import Path
from exodx.tracking import ChildRun, RunRecord, log_run, open_store
from exodx.tracking.record import UsedCohort
who, bundle = sys.argv[1], Path(sys.argv[2])
folds = tuple(ChildRun(f"repeat 1, fold {k + 1}", {"references": "none"}, {"auc": 0.5}) for k in range(6))
for i in range(3):
    record = RunRecord(
        "shared", f"{who} {i}", "what it says " * 200, {"exodx.model_hash": "0" * 64, "who": who},
        {f"plan.{k}": "v" for k in range(20)}, {f"m{k}": float(k) for k in range(40)}, {"report.html": b"<p>"}, folds,
        cohorts=(UsedCohort("c", "ab" * 32, "training", 9),), about="shared",
    )
    log_run(record, bundle, "shared", open_store("shared"))
"""

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Operation with range is deprecated")]


def block(name):
    return re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", README, re.DOTALL)[1]


@pytest.fixture(scope="module")
def database():
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    missing = [name for name in ("psycopg", "flask_wtf") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed (pip install 'exodx[server]'): {', '.join(missing)}")
    with postgres(programs) as uri:
        yield uri


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    """Serve as the README says, with its accounts and roles."""
    import psycopg

    folder = tmp_path_factory.mktemp("server")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create database accounts")
    accounts = database.rsplit("/", 1)[0] + "/accounts"
    config = re.sub(r"(?m)^database_uri = .*$", f"database_uri = {accounts}", block("accounts"))
    (folder / "auth.ini").write_text(config)
    secrets = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN["MLFLOW_TRACKING_PASSWORD"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the tests",
        "MLFLOW_BACKEND_STORE_URI": database,
    }
    words = ["--app-name", "basic-auth", "--artifacts-destination", str(folder / "artifacts")]
    with mlflow_server(words, folder / "log", **secrets) as address:
        subprocess.run([sys.executable, "-c", block("roles")], env=environment_of(address, **ADMIN), check=True)
        yield address


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "b"
    save_bundle(model, folder)
    return folder


def account(person):
    return {"MLFLOW_TRACKING_USERNAME": person, "MLFLOW_TRACKING_PASSWORD": f"{person}-change-me-at-once"}


@pytest.fixture
def as_person(server, monkeypatch):
    """Give a client of a person's."""

    def become(person):
        for name, value in {**account(person), "MLFLOW_TRACKING_URI": server}.items():
            monkeypatch.setenv(name, value)
        open_store()
        return MlflowClient()

    yield become
    monkeypatch.undo()
    open_store()  # what comes next in this process must not look for this server


def train_both(environments, bundle):
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINER, who, bundle], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for who, environment in environments.items()
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], [err[-2500:] for _, err in said]
    assert [out for out, _ in said] == ["", ""]
    assert PASSWORD not in str(said)


def assert_nothing_lost(client):
    experiment = client.get_experiment_by_name("shared").experiment_id
    runs = client.search_runs([experiment])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    parents = {run.info.run_name: run for run in runs if run not in children}
    assert set(parents) == {f"{who} {i}" for who in ("ann", "bob") for i in range(3)}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {(len(run.data.params), len(run.data.metrics)) for run in parents.values()} == {(20, 40)}
    for run in parents.values():
        mine = [child for child in children if child.data.tags["mlflow.parentRunId"] == run.info.run_id]
        assert sorted(child.info.run_name for child in mine) == [f"repeat 1, fold {k + 1}" for k in range(6)]
    versions = client.search_model_versions("name = 'shared'")
    assert sorted(int(version.version) for version in versions) == [1, 2, 3, 4, 5, 6]
    assert {version.run_id for version in versions} == {run.info.run_id for run in parents.values()}
    assert {version.tags["exodx.model_hash"] for version in versions} == {"0" * 64}


@pytest.fixture(scope="module")
def shared(server, bundle):
    """Two trainers at once, on the team's server."""
    train_both({who: environment_of(server, **account(who)) for who in ("ann", "bob")}, bundle)


def test_two_trainers_at_once_lose_nothing_on_postgresql(shared, as_person):
    assert_nothing_lost(as_person("rita"))


def test_two_trainers_at_once_lose_nothing_on_sqlite(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path / "home"))
    open_store("shared")
    train_both({who: environment_of("", EXODX_HOME=str(tmp_path / "home")) for who in ("ann", "bob")}, bundle)
    assert_nothing_lost(MlflowClient())
    monkeypatch.undo()
    open_store()


def first(client):
    version = client.get_model_version("shared", "1")
    return version, client.get_run(version.run_id)


def denied(call, *arguments):
    with pytest.raises(MlflowException) as refusal:
        call(*arguments)
    return refusal.value.error_code == "PERMISSION_DENIED"


def test_who_has_no_account_sees_nothing(shared, server, monkeypatch):
    for name in account(""):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MlflowException, match=r"401|not authenticated"):
        MlflowClient(server).search_experiments()


def test_a_reviewer_reads_and_comments_and_neither_deletes_nor_promotes(shared, as_person, tmp_path):
    client = as_person("rita")
    version, run = first(client)
    experiment = run.info.experiment_id
    assert Path(client.download_artifacts(run.info.run_id, "report.html", str(tmp_path))).read_bytes() == b"<p>"
    client.set_model_version_tag("shared", "1", "comment.rita", "site B is small")
    client.update_model_version("shared", "1", f"{version.description}\n\nrita: site B is small")
    assert client.get_model_version("shared", "1").tags["comment.rita"] == "site B is small"
    child = client.search_runs([experiment], "attributes.run_name = 'repeat 1, fold 1'")[0].info.run_id
    refused = {
        "promotes": denied(client.set_registered_model_alias, "shared", "champion", "1"),
        "takes an alias away": denied(client.delete_registered_model_alias, "shared", "challenger"),
        "deletes a version": denied(client.delete_model_version, "shared", "1"),
        "deletes the model": denied(client.delete_registered_model, "shared"),
        "renames the model": denied(client.rename_registered_model, "shared", "other"),
        "deletes a run": denied(client.delete_run, child),
        "deletes the experiment": denied(client.delete_experiment, experiment),
        "writes a metric": denied(client.log_metric, run.info.run_id, "m0", 1.0),
        "writes into a review log": denied(client.log_param, run.info.run_id, "entry.000001", "{}"),
        "makes a run": denied(client.create_run, experiment),
    }
    assert [what for what, is_refused in refused.items() if not is_refused] == []
    assert "champion" not in client.get_registered_model("shared").aliases


def exodx(person, server, *words):
    done = subprocess.run(
        [sys.executable, "-m", "exodx", *words], env=environment_of(server, **account(person)), capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    assert person not in done.stderr.replace(f"--by {person}", "")
    return done


def test_the_review_says_who_may_not_decide_and_works_for_the_approver(shared, server, as_person, tmp_path):
    decide = ("models:/shared/1", "--by", "E. Nagy", "--reason", "site B holds")
    refused = exodx("rita", server, "review", "promote", *decide)
    assert (refused.returncode, "NOT_ALLOWED" in refused.stderr) == (2, True)
    assert read_log_as(as_person("rita")) == []
    assert exodx("rita", server, "review", "list").returncode == 0
    assert exodx("otto", server, "review", "check", "models:/shared/1").returncode == 4  # its bundle has another hash
    promoted = exodx("otto", server, "review", "promote", *decide, "--rules", str(all_off(tmp_path)))
    assert promoted.returncode == 0, promoted.stderr
    assert str(as_person("rita").get_registered_model("shared").aliases["champion"]) == "1"
    demoted = ("review", "demote", "models:/shared@champion", "--by", "E. Nagy", "--reason", "plate 12")
    assert exodx("otto", server, *demoted).returncode == 0
    assert read_log_as(as_person("rita"))[:2] == ["checked", "promoted"]


def test_a_trainer_may_take_away_only_what_they_made(shared, as_person):
    refused = [denied_to(as_person(person), "shared", "absent") for person in ("ann", "bob", "otto")]
    assert sorted(refused[:2]) == [False, True]  # who was first to train made the model
    assert refused[2] is False


def denied_to(client, *alias):
    try:
        client.delete_registered_model_alias(*alias)
    except MlflowException as refusal:
        return refusal.error_code == "PERMISSION_DENIED"
    return False


def read_log_as(client):
    return [entry.action for entry in read_log("shared").entries]


def all_off(folder):
    (folder / "off.toml").write_text("".join(f"[{rule.name}]\noff = true\n" for rule in read_rules()))
    return folder / "off.toml"


def test_who_may_not_train_is_told_before_the_study(shared, server):
    script = "from exodx.tracking import open_store; open_store('shared')"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment_of(server, **account("rita")), capture_output=True, text=True
    )
    assert "STORE_UNUSABLE" in done.stderr
    assert "Permission denied" in done.stderr


def test_the_page_of_a_served_store_is_the_servers(shared, server):
    done = exodx("rita", server, "ui")
    assert (done.returncode, "STORE_SERVED" in done.stderr) == (2, True)


def test_no_password_of_the_database_is_printed(database, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "exodx", "review", "list"], env=environment_of(database), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    gone = database.replace("/postgres", "/not_there")
    refused = subprocess.run(
        [sys.executable, "-m", "exodx", "review", "list"], env=environment_of(gone), capture_output=True, text=True
    )
    assert (refused.returncode, "STORE_UNUSABLE" in refused.stderr) == (2, True)
    assert PASSWORD not in done.stdout + done.stderr + refused.stdout + refused.stderr
