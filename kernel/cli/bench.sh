#!/bin/sh
# Runs all benchmarks, or those of the API that are named (create, list, fanout …), on what is built.
set -eu
cd "$(dirname "$0")/../.."
sh kernel/cli/prepare.sh build
if [ $# -gt 0 ]; then
  exec node --import tsx test/bench/api.bench.ts "$@"
fi
for bench in test/bench/*.bench.ts; do
  node --import tsx "$bench"
done
