#!/usr/bin/env bash
# wine.sh WORK [FAST]: the Windows product in wine; wine/trial.py does it.
#
# Installs what Debian has of it, if it may. Where wine cannot be had it says so in a sentence and ends
# well, so that other trials go on. The folder with wine, 1.2 GB and minutes to make, is kept where
# MASKWRIGHT_WINE_ROOT says, else in build/wine.
set -uo pipefail
cd "$(dirname "$0")/../.."
work=${1:?wine.sh WORK [FAST]}
part=${2:+fast}

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
python=${MASKWRIGHT_TRY_PYTHON:-.venv/bin/python}
[ -x "$python" ] || python=$(command -v python)
"$python" packaging/try/wine/trial.py "${part:-whole}" --work "$work/windows"
code=$?
[ "$code" = 77 ] || exit "$code"
