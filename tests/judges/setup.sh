#!/bin/sh
# Makes the judges' own environments at the repository's root: .venv-mediapipe and .venv-tflite-support, which cannot
# live beside TensorFlow, .venv-moto, a server that speaks S3, and .venv-judges-bin with one that speaks Google Cloud
# Storage. Does nothing when that is already so; says why where one cannot be made, and ends well: its tests are then
# skipped with the same reason.
set -eu
cd "$(dirname "$0")/../.."

# make_venv NAME PYTHONS PACKAGES: an environment of tests/judges/NAME.txt; PACKAGES are Debian's, for its libraries
make_venv() {
    venv=.venv-$1 lock=tests/judges/$1.txt stamp=.venv-$1/.installed
    if [ -f "$stamp" ] && cmp -s "$lock" "$stamp"; then
        return
    fi
    python=
    for name in $2; do
        if "$name" -c 'import venv, ensurepip' 2>/dev/null; then
            python=$name
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "judge $1: skipped, none of $2 is installed" >&2
        return
    fi
    scripts/apt.sh $3 || echo "judge $1: $3 could not be installed" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"; then
        rm -rf "$venv"
        echo "judge $1: skipped, its packages could not be installed" >&2
        return
    fi
    cp "$lock" "$stamp"
}

# make_program NAME MODULE: a program of a Go module of one version; Go checks its sums itself
make_program() {
    bin=.venv-judges-bin stamp=.venv-judges-bin/.$1
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$2" ]; then
        return
    fi
    if ! command -v go >/dev/null; then
        echo "judge $1: skipped, Go is not installed" >&2
        return
    fi
    mkdir -p "$bin"
    if ! GOBIN=$PWD/$bin go install "$2" >"$bin/$1.log" 2>&1; then
        tail -n 3 "$bin/$1.log" >&2
        echo "judge $1: skipped, it could not be built" >&2
        return
    fi
    echo "$2" >"$stamp"
}

make_venv mediapipe "python3.11 python3.12 python3.13" "libgl1 libegl1 libgles2"
make_venv tflite-support "python3.11" "libusb-1.0-0" # its wheels end at Python 3.11
make_venv moto "python3.11 python3.12 python3.13" ""
make_program fake-gcs-server github.com/fsouza/fake-gcs-server@v1.56.1
