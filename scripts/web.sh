#!/bin/sh
# Runs npm in web_demo with its locked packages; sets up what is missing, and nothing when all is there.
#   scripts/web.sh test
#   scripts/web.sh run check
#   scripts/web.sh build        the page that runs TensorFlow.js models, if it is not up to date, and a browser for it
set -eu
cd "$(dirname "$0")/.."
stamp=web_demo/node_modules/.stamp

find_browser() {
    for name in "${EDGEKIT_CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then return; fi
    done
    [ -d "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}" ]
}

if [ "${1:-}" = build ]; then
    find_browser || scripts/apt.sh chromium
    built=edgekit/_apps/tfjs/index.html
    if [ -f $built ] && [ -z "$(find web_demo/runner web_demo/*.json web_demo/runner.config.ts -newer $built)" ]; then
        exit 0
    fi
    set -- run build
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    scripts/apt.sh nodejs npm
fi
if ! node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 18 || (major == 18 && minor >= 19) ? 0 : 1)'; then
    echo "The web parts need Node.js 18.19 or newer, this is $(node --version). Type: sudo apt-get install nodejs npm" >&2
    exit 6
fi

if [ ! -f "$stamp" ] || [ web_demo/package-lock.json -nt "$stamp" ]; then
    npm --prefix web_demo ci --silent --no-progress
    touch "$stamp"
fi
exec npm --prefix web_demo --silent "$@"
