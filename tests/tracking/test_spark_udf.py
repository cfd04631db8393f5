"""MLflow's ``spark_udf`` of the model scores a Spark table as ``exodx predict`` scores the file."""

from __future__ import annotations

import os
import shutil
import sys
import warnings

import mlflow
import pandas as pd
import pytest

if shutil.which("java") is None:
    pytest.skip("Spark needs Java, which is not installed", allow_module_level=True)
pytest.importorskip("pyspark", reason="pyspark is not installed (it is no dependency of exodx: 480 MB)")

from exodx.frozen import save_bundle
from exodx.scoring import Explain, prediction_columns, score_file
from exodx.tracking.flavour import LOADER_MODULE, signature
from tests.cli.calls import DATA

NEW = DATA / "new.csv"


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Spark's own
        patch.setenv("PYSPARK_PYTHON", sys.executable)  # workers would take the first python on the PATH
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate()
        )
        yield session
        session.stop()


def test_a_spark_table_is_scored_as_the_file(spark, model, tmp_path):
    model_hash = save_bundle(model, tmp_path / "bundle")
    path = tmp_path / "model"
    mlflow.pyfunc.save_model(
        path, loader_module=LOADER_MODULE, data_path=str(tmp_path / "bundle"), signature=signature(model), pip_requirements=[]
    )
    frame = pd.read_csv(NEW, dtype=str, keep_default_na=False)
    table = spark.createDataFrame(frame).repartition(2)
    fields = "specimen_id:string,status:string,call:string,probability:double,margin:double,model_hash:string"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = mlflow.pyfunc.spark_udf(spark, str(path), result_type=f"struct<{fields}>", env_manager="local")
        names = ["specimen_id", *model.panel.names]
        rows = table.select(score(*(f"`{name}`" for name in names)).alias("s")).select("s.*").collect()
    found = pd.DataFrame([row.asDict() for row in rows]).set_index("specimen_id")
    scores = pd.DataFrame(prediction_columns(score_file(NEW, model, model_hash, Explain.ALL), Explain.ALL))
    expected = scores.set_index("specimen_id")[list(found.columns)]
    pd.testing.assert_frame_equal(found.loc[expected.index], expected, check_exact=True, check_dtype=False)
