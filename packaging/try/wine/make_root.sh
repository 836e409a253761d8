#!/usr/bin/env bash
# make_root.sh ROOT: make a folder with Debian 13 and wine 10, in which Windows programs are tried.
#
# Needs root, mmdebstrap and MinGW's compiler (Debian: mmdebstrap, gcc-mingw-w64-x86-64). Made once and
# kept: a second call with a finished folder only says so. The prefix belongs to the user 张 三.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${1:?make_root.sh ROOT}
[ ! -e "$root/ready" ] || { echo "wine is ready in $root"; exit 0; }
for tool in mmdebstrap x86_64-w64-mingw32-gcc x86_64-w64-mingw32-objdump; do
    command -v "$tool" >/dev/null || { echo "make_root.sh: $tool is missing" >&2; exit 3; }
done

# Beside wine: a screen, what finds windows on it and takes pictures, and a font with Chinese letters.
if [ ! -x "$root/usr/bin/wine" ]; then
    mmdebstrap --quiet --variant=minbase \
        --include=wine,wine64,xvfb,xauth,x11-utils,xdotool,maim,util-linux,procps,fonts-wqy-microhei \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        trixie "$root"
fi

# A user whose name has a space and Chinese letters; adduser would refuse it, Windows does not.
grep -q ':1000:' "$root/etc/passwd" || {
    echo '张 三:x:1000:1000::/home/张 三:/bin/bash' >>"$root/etc/passwd"
    echo 'windows:x:1000:' >>"$root/etc/group"
    mkdir -p "$root/home/张 三"
    chown 1000:1000 "$root/home/张 三"
}

dlls=$(dirname "$(find "$root/usr/lib" -path '*x86_64-windows/ucrtbase.dll' | head -n 1)")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# All that ucrtbase exports goes on to wine's own under another name, but for what wine lacks.
x86_64-w64-mingw32-objdump -p "$dlls/ucrtbase.dll" |
    awk '/\[Ordinal\/Name Pointer\]/ { names = 1; next } names && /\[/ { print $NF } names && /^$/ { names = 0 }' |
    sed -E -e 's/^(crealf|cimagf|creal|cimag)$/"\1" = complex_\1/;t' -e 's/.*/"&" = ucrtbw."&"/' |
    cat <(printf 'LIBRARY ucrtbase.dll\nEXPORTS\n') - >"$work/ucrtbase.def"
for name in crealf cimagf creal cimag; do
    grep -q "\"$name\"" "$work/ucrtbase.def" || echo "\"$name\" = complex_$name" >>"$work/ucrtbase.def"
done
build() { x86_64-w64-mingw32-gcc -shared -nostdlib -Wl,-e,DllMain -o "$@"; }
mkdir -p "$root/shims"
build "$root/shims/ucrtbase.dll" "$here/complex_numbers.c" "$work/ucrtbase.def"
build "$root/shims/icuuc.dll" "$here/no_converters.c"
cp "$dlls/ucrtbase.dll" "$root/shims/ucrtbw.dll"

"$here/enter.sh" "$root" bash -c 'wineboot --init; wineserver -w' >"$root/wineboot.log" 2>&1
[ -d "$root/home/张 三/.wine/drive_c/windows/system32" ] ||
    { echo "make_root.sh: no prefix was made, see $root/wineboot.log" >&2; exit 1; }
touch "$root/ready"
echo "wine is ready in $root"
