#!/usr/bin/env bash
# linux.sh WORK [FAST]: build the Linux products and use them; see ../try.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
work=$1
fast=${2:-}
. "$here/roots.sh"
need_root_folders

python=${MASKWRIGHT_TRY_PYTHON:-$checkout/.venv/bin/python}
[ -x "$python" ] || python=$(command -v python)
say() { echo "== $(date +%H:%M:%S) $*"; }
build() { "$python" "$checkout/packaging/build.py" "$@"; }

# What windows need of a system, by the name of the library's package; X itself for what is shown.
qt="libegl1,libgl1,libxkbcommon0,libxkbcommon-x11-0,libdbus-1-3,libfontconfig1,libfreetype6,libglib2.0-0,\
libwayland-client0,libwayland-cursor0,libwayland-egl1,libx11-6,libx11-xcb1,libxcb1,libxcb-glx0,\
libxcb-randr0,libxcb-render0,libxcb-shape0,libxcb-shm0,libxcb-sync1,libxcb-xfixes0,libxcb-xkb1,\
xkb-data,zlib1g,libzstd1,libstdc++6,libgcc-s1"
shown="xvfb,xdotool,libglib2.0-bin,shared-mime-info,desktop-file-utils,xdg-utils"

# try_tree ROOT: the program in a clean system without any network, as 张 三.
try_tree() {
    local place="/opt/面具 匠" tree=$2
    in_root "$1" --as-user --mount "$tree" "$place" --mount "$here" /try \
        sh /try/in_tree.sh "$place"
}

if [ -n "$fast" ]; then
    say "the tree"
    build tree --out "$work/built"
    tree=$(echo "$work"/built/maskwright-*-linux-x86_64)
    say "a clean Debian 13"
    make_root "$work/trixie" trixie "$qt"
    say "the program there, without a network"
    MASKWRIGHT_TRY_EPOCHS=1 try_tree "$work/trixie" "$tree"
    say "done"
    exit 0
fi

say "the archive, twice"
build tar --out "$work/built"
build tar --out "$work/again" --level 1
tree=$(echo "$work"/built/maskwright-*-linux-x86_64)
"$python" "$here/compare.py" "$tree" "$work/again/$(basename "$tree")"
rm -rf "$work/again"

say "the archive, unpacked into a folder with a space and Chinese letters, from an empty home"
place="$work/解压 到"
rm -rf "$place" && mkdir "$place"
tar -C "$place" --zstd -xf "$tree.tar.zst"
mkdir -p "$work/家 1"
env -i HOME="$work/家 1" PATH=/usr/bin:/bin LANG=C.UTF-8 MASKWRIGHT_TRY_EPOCHS=2 \
    unshare --net sh "$here/in_tree.sh" "$place/$(basename "$tree")"

say "the Debian package"
build linux --out "$work/built"
deb=$(echo "$work"/built/maskwright_*_amd64.deb)
later=$work/built/later.deb
rm -rf "$work/later" && dpkg-deb --raw-extract "$deb" "$work/later"
version=$(dpkg-deb --field "$deb" Version)
sed -i "s/^Version: .*/Version: $version+later/" "$work/later/DEBIAN/control"
sed -i "s/\"version\": \".*\"/\"version\": \"$version+later\"/" "$work/later/opt/maskwright/installation.json"
dpkg-deb --root-owner-group -Zzstd -z1 --build "$work/later" "$later" >/dev/null
rm -rf "$work/later"

for suite in trixie bookworm; do
    # All that the package asks for, so that it installs without a network.
    asked=$(dpkg-deb --field "$deb" Depends | sed 's/ ([^)]*)//g; s/ //g')
    say "$suite: install, start from the desktop entry, the demo in the window, upgrade, remove"
    make_root "$work/$suite-desktop" "$suite" "$asked,$shown"
    root=$work/$suite-desktop
    mkdir -p "$root/packages" "$root/pictures"
    chown 1000 "$root/pictures"
    cp "$deb" "$root/packages/maskwright.deb"
    cp "$later" "$root/packages/later.deb"
    rm -rf "$root/home/张 三"
    in_root "$root" sh -ec 'dpkg -i /packages/maskwright.deb >/packages/log 2>&1'
    in_root "$root" --as-user --mount "$here" /try sh /try/in_desktop.sh
    in_root "$root" sh -ec 'dpkg -i /packages/later.deb >>/packages/log 2>&1'
    in_root "$root" --as-user --mount "$here" /try sh /try/after_upgrade.sh "$version+later"
    in_root "$root" sh -ec 'dpkg --purge maskwright >>/packages/log 2>&1'
    left=$(cd "$root" && find . -xdev -iname '*maskwright*' \
        -not -path './home/*' -not -path './packages/*' -not -path './var/lib/apt/*' \
        -not -path './var/log/*' -not -path './var/cache/*' -not -path './proc/*')
    if [ -n "$left" ]; then
        echo "left after removing: $left"
        exit 1
    fi
    [ -f "$root/home/张 三/示例 1/project/project.db" ]
    say "$suite: nothing is left but the home and what is in it"
    mkdir -p "$work/pictures/$suite"
    cp "$root"/pictures/*.png "$work/pictures/$suite/"
done
say "done; pictures are in $work/pictures"
