#!/usr/bin/env python3
"""A real HDFS with WebHDFS; see README.md. This process becomes the JVM."""

import os
import shutil

import real_tools


def main() -> None:
    jars = real_tools.folder("hdfs")
    java = shutil.which("java") or real_tools.fail("no java: run scripts/setup --real-tools")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "HdfsServer.java")
    options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    options += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
    os.execv(java, [java, *options, "-cp", os.path.join(jars, "*"), source])


if __name__ == "__main__":
    main()
