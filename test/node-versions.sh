#!/bin/sh
# Puts Node binaries of other major versions into a cache and prints their paths, one a line:
#     test/node-versions.sh 22 24
# They come from the npm registry, where the package "node" keeps the binaries of each platform
# in a package of its own. What is in the cache is used as it is, so a second time needs no network.
set -eu
cache="$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache/kernetes/node"
platform="$(node -p '`${process.platform}-${process.arch}`')"
for major in "$@"; do
  folder="$cache/$major-$platform"
  binary="$folder/node_modules/node-$platform/bin/node"
  if [ ! -x "$binary" ]; then
    mkdir -p "$folder"
    echo '{ "private": true }' > "$folder/package.json"
    npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts \
      "node-$platform@$major" >&2
  fi
  echo "$binary"
done
