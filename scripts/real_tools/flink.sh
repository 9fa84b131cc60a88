#!/usr/bin/env bash
# A real Apache Flink for tests: its scripts, and its jars. None of what PyFlink itself would need.
set -euo pipefail
source "$(dirname "$0")/versions"
begin flink "flink $FLINK_VERSION"
/usr/bin/python3 -m venv "$tools/flink/venv"
pip=("$tools/flink/venv/bin/python" -m pip install -q --disable-pip-version-check)
"${pip[@]}" 'setuptools<80' wheel
"${pip[@]}" --no-build-isolation --no-deps "apache-flink-libraries==$FLINK_VERSION"
# The scripts are the same for every Python, but there are wheels for few.
"${pip[@]}" --no-deps --only-binary=:all: --python-version 3.11 --target "$tools/flink/scripts" \
  "apache-flink==$FLINK_VERSION"
site=$("$tools/flink/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cp -r "$tools/flink/scripts/pyflink/"{bin,conf} "$site/pyflink/"
rm -rf "$tools/flink/scripts"
chmod +x "$site/pyflink/bin/"*.sh "$site/pyflink/bin/flink"
ln -sfn "$site/pyflink" "$tools/flink/home"
finish flink "flink $FLINK_VERSION"
