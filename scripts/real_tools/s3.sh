#!/usr/bin/env bash
# A real S3 server for tests: moto, in a Python environment of its own. Not its extra
# `server`, which brings 250 MB for services other than S3.
set -euo pipefail
source "$(dirname "$0")/versions"
begin s3 "moto $MOTO_VERSION" "boto3 $BOTO3_VERSION"
/usr/bin/python3 -m venv "$tools/s3"
"$tools/s3/bin/python" -m pip install -q --disable-pip-version-check \
  "moto[s3]==$MOTO_VERSION" "boto3==$BOTO3_VERSION" flask flask-cors
finish s3 "moto $MOTO_VERSION" "boto3 $BOTO3_VERSION"
