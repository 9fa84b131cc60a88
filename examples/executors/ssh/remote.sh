#!/bin/sh
# The other machine's side of the ssh executor: remote.sh VERB BASE HOME KEY [ARGUMENTS]
# Needs a POSIX shell, coreutils, util-linux (setsid, flock) and /proc.
#
# BASE/HOME/attempts/KEY/       the attempt; who makes this directory has the right to run it
#   run log result output env.* what it runs, prints and writes
#   pid                         "PID START_TIME" of its first process
#   stop                        a stop was asked for: when the grace ends, in ms since 1970
#   error outcome               why it could not run; how it ended, renamed into place
# BASE/HOME/attempts/KEY.lock   locked by who starts or keeps it: free means that it has ended
# BASE/bundles/DIGEST/          the files of an upload
set -u
umask 077
verb=$1 base=$2 home=$3 key=$4
shift 4
cd "$base" || exit 1
base=$PWD
mkdir -p "$home/attempts" bundles && cd "$home/attempts" || exit 1
lock=$PWD/$key.lock

start_time() { # of the process $1; nothing when it is gone
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

send() { # signal $1 to the group of the first process, or (whom = leader) to that alone
  read -r pid started <pid || return 0
  now=$(start_time "$pid")
  [ -z "$now" ] || [ "$now" = "$started" ] || return 0
  [ "$whom" = leader ] || kill "-$1" -- "-$pid" 2>/dev/null || kill "-$1" "$pid" 2>/dev/null
  [ "$whom" = group ] || kill "-$1" "$pid" 2>/dev/null
}

milliseconds() { date +%s%3N; }

end_the_rest() { # what has left the group still has the attempt's directory in its environment
  while :; do
    found=$(grep -lzxF -- "AIFLOW_ATTEMPT_DIR=$PWD" /proc/[0-9]*/environ 2>/dev/null)
    [ -n "$found" ] || return 0
    for file in $found; do
      pid=${file#/proc/}
      kill -KILL "${pid%/environ}" 2>/dev/null
    done
    sleep 0.05
  done
}

case $verb in
  start) # the script to run on stdin; says "ok PID", "lost", or "no REASON"
    draft=$(mktemp -d .new-XXXXXXXX) && cat >"$draft/run" || exit 1
    if [ "$(tail -n 1 "$draft/run")" != "# complete" ]; then
      rm -r "$draft"
      exit 1
    fi
    exec 9>"$lock"
    flock 9
    if ! mkdir "$key" 2>/dev/null; then
      rm -r "$draft"
      echo lost
      exit 0
    fi
    mv "$draft/run" "$key/run" && rmdir "$draft" && : >"$key/log" || exit 1
    setsid sh "$0" keep "$base" "$home" "$key" 8>&1 >/dev/null </dev/null 2>&1 &
    ;;

  keep) # locked by the inherited descriptor 9; descriptor 8 is for what `start` says
    cd "$key" || exit 1
    trap : HUP TERM INT
    BUNDLES=$base/bundles setsid sh ./run </dev/null >>log 2>&1 9>&- &
    leader=$!
    exec 8>&-
    echo "$leader $(start_time "$leader")" >pid.new
    mv pid.new pid
    while :; do
      wait "$leader"
      code=$?
      kill -0 "$leader" 2>/dev/null || break
    done
    # What got the signal with its leader has the same grace to end by itself.
    while [ -e stop ] && [ ! -e alone ] && kill -0 -- "-$leader" 2>/dev/null &&
      [ "$(milliseconds)" -lt "$(cat stop)" ]; do
      sleep 0.1
    done
    kill -KILL -- "-$leader" 2>/dev/null
    end_the_rest
    echo "$code" >outcome.new
    sync outcome.new
    mv outcome.new outcome
    ;;

  find) # "found", or "none": it was not started, and now never will be
    exec 9>"$lock"
    if ! flock -n 9; then
      echo found
    elif mkdir "$key" 2>/dev/null; then
      : >"$key/never"
      echo none
    elif [ -e "$key/never" ]; then
      echo none
    else
      echo found
    fi
    ;;

  follow) # the log from byte $1 on, until the attempt or our client has gone
    [ -e "$key/log" ] || exit 0
    exec 3<&0
    tail -c "+$(($1 + 1))" -f "$key/log" &
    tail=$!
    flock -s "$lock" true &
    ended=$!
    (
      cat
      kill "$tail" "$ended"
    ) <&3 >/dev/null 2>&1 &
    client=$!
    wait "$ended"
    kill "$tail" "$client" 2>/dev/null
    ;;

  finish) # "alive"; or how it ended: 5 lines, then the log from byte $1 on
    exec 9>"$lock"
    if ! flock -n 9; then
      echo alive
      exit 0
    fi
    mkdir "$key" 2>/dev/null && : >"$key/never"
    cd "$key" || exit 1
    [ -e never ] || [ -e outcome ] || end_the_rest
    echo ended
    if [ -e never ]; then echo never; else cat outcome 2>/dev/null || echo unknown; fi
    for file in error result output; do
      if [ -f "$file" ]; then head -c 65537 "$file" | base64 -w 0; fi
      echo
    done
    [ ! -e log ] || tail -c "+$(($1 + 1))" log
    ;;

  stop) # $1: grace in ms, $2: group or leader. Returns when it has ended, or was killed
    cd "$key" 2>/dev/null || exit 0
    whom=$2
    if [ ! -e stop ]; then
      [ "$whom" = group ] || : >alone
      echo "$(($(milliseconds) + $1))" >stop.new
      mv stop.new stop
      while [ ! -e pid ] && ! flock -n "$lock" true; do sleep 0.02; done
      [ ! -e pid ] || flock -n "$lock" true || send TERM
    fi
    left=$(($(cat stop) - $(milliseconds)))
    [ "$left" -gt 0 ] || left=0
    flock -w "$((left / 1000)).$(printf %03d "$((left % 1000))")" "$lock" true && exit 0
    whom=group
    send KILL
    ;;

  forget)
    chmod -R u+w "$key" 2>/dev/null
    rm -rf "$key" "$lock"
    ;;

  has) # the bundle $1?
    if [ -d "$base/bundles/$1" ]; then echo yes; else echo no; fi
    ;;

  put) # the bundle $1, a tar on stdin, all of it or nothing
    cd "$base/bundles" && draft=$(mktemp -d .new-XXXXXXXX) && cat >"$draft/tar" || exit 1
    if [ "$(sha256sum <"$draft/tar" | cut -d' ' -f1)" = "$1" ]; then
      mkdir "$draft/files" && tar -xf "$draft/tar" -C "$draft/files" && mv -T "$draft/files" "$1"
    fi 2>/dev/null
    chmod -R u+w "$draft" && rm -rf "$draft"
    [ -d "$1" ]
    ;;
esac
