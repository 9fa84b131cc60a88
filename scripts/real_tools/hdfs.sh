#!/usr/bin/env bash
# A real HDFS for tests: the jars of Apache Hadoop's mini cluster.
set -euo pipefail
source "$(dirname "$0")/versions"
begin hdfs "hadoop $HADOOP_VERSION" "slf4j $SLF4J_VERSION"
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
cat >"$project/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>aiflow</groupId><artifactId>real-hdfs</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.hadoop</groupId><artifactId>hadoop-client-minicluster</artifactId>
      <version>$HADOOP_VERSION</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>$SLF4J_VERSION</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B -f "$project/pom.xml" dependency:copy-dependencies -DoutputDirectory="$tools/hdfs"
finish hdfs "hadoop $HADOOP_VERSION" "slf4j $SLF4J_VERSION"
