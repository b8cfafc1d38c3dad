#!/bin/sh
# The kernetes command of a checkout, made ready first. It becomes node itself, so that signals
# and the exit code arrive.
set -eu
root="$(cd "$(dirname "$0")/../.." && pwd)"
sh "$root/kernel/cli/prepare.sh" build
exec node "$root/dist/kernetes.js" "$@"
