#!/usr/bin/env bash
# A real Apache Spark for tests: the distribution that PySpark carries.
set -euo pipefail
source "$(dirname "$0")/versions"
begin spark "pyspark $SPARK_VERSION"
/usr/bin/python3 -m venv "$tools/spark/venv"
pip=("$tools/spark/venv/bin/python" -m pip install -q --disable-pip-version-check)
"${pip[@]}" 'setuptools<80' wheel
"${pip[@]}" --no-build-isolation "pyspark==$SPARK_VERSION"
site=$("$tools/spark/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
chmod +x "$site/pyspark/bin/"*
ln -sfn "$site/pyspark" "$tools/spark/home"
finish spark "pyspark $SPARK_VERSION"
