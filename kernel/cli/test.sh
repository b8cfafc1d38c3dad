#!/bin/sh
# Runs all tests, or the files named, in a checkout that it makes ready first.
set -eu
cd "$(dirname "$0")/../.."
sh kernel/cli/prepare.sh package
if [ $# -eq 0 ]; then
  set -- kernel/*.test.ts kernel/*/*.test.ts sdk/*.test.ts sdk/*/*.test.ts \
    plugins/*/*/*.test.ts plugins/*/*/*/*.test.ts examples/*/*.test.ts test/*.test.ts test/*/*.test.ts
fi
exec node --import tsx --test --test-concurrency=2 "$@"
