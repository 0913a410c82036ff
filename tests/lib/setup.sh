#!/bin/sh
# Installs the Debian packages that are needed, and those named as arguments, if any is missing: as root, or with sudo. Says
# which ones where neither is possible.
#
# usage: setup.sh [--demo] [PACKAGE...]    --demo: only what building, `make demo` and `make run` need, not the tests
set -eu

packages="gcc libc6-dev pkg-config libzmq3-dev libmsgpack-dev libsqlite3-dev libsystemd-dev nettle-dev libconfuse-dev libmicrohttpd-dev
libjansson-dev libutf8proc-dev libncurses-dev libfribidi-dev python3 python3-zmq python3-msgpack"
if [ "${1:-}" = --demo ]; then
    shift
else
    packages="$packages libcmocka-dev python3-prometheus-client python3-pyte strace tmux sqlite3 git
clang clang-tidy clang-format cppcheck shellcheck mandoc lowdown man-db zsh fish python3-pyflakes libclang-rt-14-dev systemd chromium
php-cli php-fpm php-zmq php-sqlite3 php-xml php-mbstring phpunit ruby ruby-ffi-rzmq ruby-msgpack ruby-sqlite3"
    # Node.js from elsewhere brings its own npm, and does not go together with Debian's.
    command -v node >/dev/null && command -v npm >/dev/null || packages="$packages nodejs npm"
fi
packages="$packages $*"

missing=
for p in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

run=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        run="sudo -n"
    elif command -v sudo >/dev/null && [ -t 0 ]; then
        run=sudo
    else
        echo "These Debian packages are needed; as root: apt-get install$missing" >&2
        exit 1
    fi
fi
command -v apt-get >/dev/null || { echo "These Debian packages are needed:$missing" >&2; exit 1; }
echo "Installing packages:$missing"
log=$(mktemp)
# shellcheck disable=SC2086 # both are lists of words
if ! { $run apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    $run apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "The packages could not be installed; as root: apt-get install$missing" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
