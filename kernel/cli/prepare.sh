#!/bin/sh
# Makes a checkout ready: installs its packages when there are none, or older ones than the lock
# file says; with "build" makes dist/ when a source is newer, with "package" its types too. What is
# ready stays as it is, so a second time needs no network.
set -eu
cd "$(dirname "$0")/../.."

installed=node_modules/.package-lock.json
if [ ! -f "$installed" ]; then
  echo 'installing packages' >&2
  npm ci --prefer-offline --no-audit --no-fund --loglevel=error >&2
elif [ -n "$(find package-lock.json -newer "$installed")" ]; then
  # Not `ci`, which would take every package away from what else runs in this checkout.
  echo 'updating packages' >&2
  npm install --prefer-offline --no-audit --no-fund --loglevel=error >&2
  touch "$installed"
fi

stale() {
  [ ! -f dist/built ] || [ -n "$(find kernel sdk plugins package.json tsconfig.json -newer dist/built \
    -type f ! -name '*.test.ts' ! -name '*.md' ! -path '*/testdata/*' -print -quit)" ]
}

case ${1:-} in
  build)
    if stale; then set -- ; else exit 0; fi ;;
  package)
    if stale || [ ! -d dist/types ]; then set -- --types; else exit 0; fi ;;
  *)
    exit 0 ;;
esac
echo 'building' >&2
node --import tsx kernel/cli/build.ts "$@"
