#!/usr/bin/env bash
# enter.sh ROOT COMMAND…: run a command as the user 张 三 in the folder that make_root.sh made.
#
# The command has no network, a process list of its own that ends with it, and a screen, Xvfb :9. What the
# environment variable SHARED names is mounted at /shared, the drive Z: of Windows holds everything.
set -euo pipefail
root=$(cd "${1:?enter.sh ROOT COMMAND…}" && pwd)
shift
shared=${SHARED:-}
exec 9>"$root/lock"
flock 9 # one at a time: wine's server knows only its own process list

inside() {
    mount --make-rprivate /
    mkdir -p "$root"/{proc,sys,dev/pts,dev/shm,tmp/.X11-unix,shared}
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys" 2>/dev/null || mount --bind /sys "$root/sys" # OpenCV counts cores there
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    for device in null zero random urandom; do
        [ -c "$root/dev/$device" ] || { rm -f "$root/dev/$device"; cp -a "/dev/$device" "$root/dev/"; }
    done
    ln -sf pts/ptmx "$root/dev/ptmx"
    chmod 1777 "$root/tmp" "$root/tmp/.X11-unix" "$root/dev/shm"
    [ -z "$shared" ] || mount --bind "$shared" "$root/shared"
    system32="$root/home/张 三/.wine/drive_c/windows/system32"
    [ ! -d "$system32" ] || [ ! -d "$root/shims" ] || # each time: wine's own updates take them out
        install -o 1000 -g 1000 -m 644 "$root"/shims/*.dll "$system32/"
    exec 9>&-
    # Not exec: a change of the user would undo --kill-child, and what runs here outlive its caller.
    chroot "$root" setpriv --reuid 1000 --regid 1000 --clear-groups env -i \
        HOME='/home/张 三' USER='张 三' PATH=/usr/lib/wine:/usr/bin:/bin LANG=C.UTF-8 DISPLAY=:9 \
        WINEDEBUG="${WINEDEBUG:--all}" \
        WINEDLLOVERRIDES='ucrtbase,icuuc,concrt140,vcomp140,msvcp140,msvcp140_1,msvcp140_2=n,b;winemenubuilder.exe=' \
        bash -c 'rm -f /tmp/.X9-lock; Xvfb :9 -screen 0 1600x1000x24 -nolisten tcp >/dev/null 2>&1 & sleep 1
            cd "$HOME" && "$@"
            code=$?
            wineserver -k # or what was written to the registry would be lost
            wineserver -w
            exit $code' enter "$@"
}
export -f inside
export root shared
exec unshare --mount --net --pid --fork --kill-child bash -c 'inside "$@"' enter "$@"
