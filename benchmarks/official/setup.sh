#!/bin/sh
# Makes build/official, the official TensorFlow.js converter's own environment: it cannot live beside a TensorFlow that
# is still looked after. Does nothing when that is already so; ends with 6 and says why where it cannot be made.
set -eu
cd "$(dirname "$0")/../.."
venv=build/official lock=benchmarks/official/converter.txt stamp=build/official/.installed

if [ -f "$stamp" ] && cmp -s "$lock" "$stamp"; then
    exit 0
fi
# Its wheels end before Python 3.13, and the lock is of one version
if ! python3.11 -c 'import venv, ensurepip' 2>/dev/null; then
    echo "python3.11 with venv is not installed" >&2
    exit 6
fi
rm -rf "$venv"
python3.11 -m venv "$venv"
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"; then
    rm -rf "$venv"
    echo "its packages could not be installed" >&2
    exit 6
fi
cp "$lock" "$stamp"
