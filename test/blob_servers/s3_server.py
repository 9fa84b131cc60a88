#!/usr/bin/env python3
"""A real S3 server, moto; see README.md. It checks signatures and permissions of everybody."""

import json
import logging
import os
import sys

import real_tools

REGION = "us-east-1"
BUCKET = "aiflow-test"
READ_ONLY = ["s3:Get*", "s3:List*", "s3:Head*"]


def main() -> None:
    if os.environ.get("AIFLOW_S3_SERVER_CHILD") != "1":
        python = os.path.join(real_tools.folder("s3"), "bin", "python")
        environment = {**os.environ, "AIFLOW_S3_SERVER_CHILD": "1"}
        os.execve(python, [python, os.path.abspath(__file__)], environment)
    serve()


def serve() -> None:
    from moto import settings
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    line = prepare(url)
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0  # from now on everybody is checked
    print(json.dumps({"url": url, "region": REGION, "bucket": BUCKET, **line}), flush=True)
    sys.stdin.read()
    # Its thread would wait for clients that keep their connections.
    os._exit(0)


def prepare(url: str) -> dict:
    """Makes the bucket and two users."""
    import boto3

    settings = {"endpoint_url": url, "region_name": REGION, "aws_access_key_id": "setup"}
    settings["aws_secret_access_key"] = "setup"
    boto3.client("s3", **settings).create_bucket(Bucket=BUCKET)
    iam = boto3.client("iam", **settings)
    all_of_s3 = user(iam, "all", ["s3:*"])
    read_only = user(iam, "read-only", READ_ONLY)
    return {
        "access_key_id": all_of_s3["AccessKeyId"],
        "secret_access_key": all_of_s3["SecretAccessKey"],
        "read_only_access_key_id": read_only["AccessKeyId"],
        "read_only_secret_access_key": read_only["SecretAccessKey"],
    }


def user(iam, name: str, actions: list) -> dict:
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
    return iam.create_access_key(UserName=name)["AccessKey"]


if __name__ == "__main__":
    main()
