#!/usr/bin/env bash
# windows.sh [fast|whole] [OPTIONS]: try the Windows product in wine; see windows.py beside it.
#
# Installs what Debian has of it, if it may. Where wine cannot be had it says so in a sentence and ends
# well, so that other tests go on.
set -uo pipefail
cd "$(dirname "$0")/../.."
part=${1:-fast}
shift || true

tools=(mmdebstrap makensis x86_64-w64-mingw32-gcc osslsigncode)
packages=(mmdebstrap nsis gcc-mingw-w64-x86-64 osslsigncode)
missing() { for tool in "${tools[@]}"; do command -v "$tool" >/dev/null || return 0; done; return 1; }
if missing && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
if missing; then
    echo "Windows is not tried: ${tools[*]} are needed."
    exit 0
fi
python=${PYTHON:-python3}
[ ! -x .venv/bin/python ] || python=${PYTHON:-.venv/bin/python}
"$python" packaging/try/windows.py "$part" "$@"
code=$?
[ "$code" = 77 ] || exit "$code"
