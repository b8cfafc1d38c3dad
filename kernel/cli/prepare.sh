#!/bin/sh
# Makes a checkout ready to run: installs its packages when there are none, or older ones than the
# lock file says, and with "build" makes dist/ when a source is newer. What is ready stays as it
# is, so a second time needs no network.
set -eu
cd "$(dirname "$0")/../.."

installed=node_modules/.package-lock.json
if [ ! -f "$installed" ] || [ -n "$(find package-lock.json -newer "$installed")" ]; then
  echo 'installing packages' >&2
  npm ci --prefer-offline --no-audit --no-fund --loglevel=error >&2
fi

[ "${1:-}" = build ] || exit 0
if [ ! -f dist/built ] || [ -n "$(find kernel sdk plugins package.json tsconfig.json -newer dist/built \
  -type f ! -name '*.test.ts' ! -name '*.md' ! -path '*/testdata/*' -print -quit)" ]; then
  echo 'building' >&2
  node --import tsx kernel/cli/build.ts
fi
