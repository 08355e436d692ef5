#!/usr/bin/env bash
# Makes src/dimo/serve/page/vendor/three.js: what the page needs of three.js, in one file, with its licence beside it.
# Needs Node and npm; nobody who uses or builds dimo does, since the result is committed.
set -euo pipefail
THREE=0.187.0
ESBUILD=0.28.2
root=$(cd "$(dirname "$0")/.." && pwd)
vendor=$root/src/dimo/serve/page/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root/scripts/three_entry.js" "$work/entry.js"
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent "three@$THREE" "esbuild@$ESBUILD"
printf '/* three.js %s, MIT licence: see LICENSE in this folder. Made by scripts/bundle_three.sh. */\n' "$THREE" > "$vendor/three.js"
npx esbuild entry.js --bundle --format=esm --minify --target=es2022 --legal-comments=none >> "$vendor/three.js"
cp node_modules/three/LICENSE "$vendor/LICENSE"
