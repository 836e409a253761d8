# shellcheck shell=bash
# Clean Debian folders to try installations in; sourced.

# What is not to be had is no failure of ours: one sentence, and the rest is skipped.
skip() {
    echo "skipped: $1"
    exit 0
}

need_root_folders() {
    [ "$(id -u)" = 0 ] || skip "clean systems to try the products in need root."
    command -v mmdebstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq mmdebstrap; } \
        >/dev/null 2>&1 || skip "mmdebstrap, which makes clean systems, cannot be had here."
    unshare --mount --pid --net --fork true 2>/dev/null \
        || skip "folders cannot be made into systems of their own here."
}

# make_root ROOT SUITE PACKAGES: a minimal Debian with these packages, comma-separated.
make_root() {
    [ "$(cat "$1/made" 2>/dev/null)" != "$3" ] || return 0
    rm -rf "$1"
    mmdebstrap --quiet --variant=minbase --include="$3" "$2" "$1" \
        || skip "Debian's packages for $2 cannot be had here."
    echo "$3" >"$1/made"
}

# in_root ROOT [--as-user] [--mount FOLDER PLACE]... COMMAND...: run in a clean system that has no
# network at all. As user: 张 三.
in_root() {
    local root=$1 mounts=() user=()
    shift
    while true; do
        case $1 in
            --as-user)
                user=(setpriv --reuid=1000 --regid=1000 --clear-groups
                    env -i "HOME=/home/张 三" USER=zhang LANG=C.UTF-8
                    PATH=/usr/local/bin:/usr/bin:/bin XDG_RUNTIME_DIR=/tmp/run-1000
                    "MASKWRIGHT_TRY_EPOCHS=${MASKWRIGHT_TRY_EPOCHS:-2}") ;;
            --mount) mounts+=("$2" "$root$3"); shift 2 ;;
            *) break ;;
        esac
        shift
    done
    mkdir -p "$root/home/张 三"
    chown 1000:1000 "$root/home/张 三"
    # shellcheck disable=SC2016
    unshare --mount --pid --net --fork bash -c '
        set -e
        root=$1; shift
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
        mkdir -m 700 "$root/tmp/run-1000"; chown 1000:1000 "$root/tmp/run-1000"
        while [ "$1" != -- ]; do
            mkdir -p "$2"; mount --bind -o ro "$1" "$2"; shift 2
        done
        shift
        exec chroot "$root" "$@"
    ' in_root "$root" "${mounts[@]}" -- "${user[@]}" "$@"
}
