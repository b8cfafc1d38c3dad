#!/bin/sh
# Runs all benchmarks on what is built, or those that are named: of the API (create, list, fanout …);
# `schedule` is the scheduler alone, then over the API. `--full`: sizes of the design.
set -eu
cd "$(dirname "$0")/../.."
sh kernel/cli/prepare.sh build
names=
flags=
for arg in "$@"; do
  case $arg in
    --*) flags="$flags $arg" ;;
    *) names="$names $arg" ;;
  esac
done
case " $names " in
  '  ') benches=$(echo test/bench/*.bench.ts) ;;
  *' schedule '*) benches='test/bench/scheduler.bench.ts test/bench/scheduler-rack.bench.ts' ;;
  *) benches= ;;
esac
for bench in $benches; do
  # shellcheck disable=SC2086 # words
  node --import tsx "$bench" $flags
done
if [ -n "$names" ]; then
  # shellcheck disable=SC2086 # words
  exec node --import tsx test/bench/api.bench.ts $names $flags
fi
