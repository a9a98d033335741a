#!/bin/sh
# Makes .venv with the packages of one lock file and edgekit itself; does nothing when that is already so.
#   scripts/setup.sh requirements/demo.txt
set -eu
cd "$(dirname "$0")/.."
lock=$1
stamp=.venv/.installed-$(basename "$lock" .txt)

# A copy of edgekit in its place, as pip makes without -e, would not follow this checkout.
is_here() {
    here=$(pwd)
    (cd / && "$here/.venv/bin/python" -c 'import sys, edgekit; sys.exit(not edgekit.__file__.startswith(sys.argv[1]))' "$here/edgekit/" 2>/dev/null)
}

if [ -f "$stamp" ] && cmp -s "$lock" "$stamp" && [ ! pyproject.toml -nt "$stamp" ] && is_here; then
    exit 0
fi

find_python() {
    for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    if [ -z "$python" ]; then
        scripts/apt.sh python3 python3-venv
        python=$(find_python)
    fi
    if [ -z "$python" ]; then
        echo "edgekit needs Python 3.11, 3.12 or 3.13 with venv. Type: PYTHON=/path/to/python make $(basename "$lock" .txt)" >&2
        exit 6
    fi
    "$python" -m venv .venv
fi

.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
cp "$lock" "$stamp"
