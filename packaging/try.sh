#!/usr/bin/env bash
# Builds the products and uses them as their users would. Needs root (Debian folders, no network).
#
#   packaging/try.sh [--fast] [--work DIR] [linux|wine]...
#
# --fast       what a change must pass: the tree alone, in one clean system, a few minutes
# --work DIR   where everything is built and kept; a temporary folder otherwise, removed afterwards
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

fast=
work=
parts=()
while [ $# -gt 0 ]; do
    case $1 in
        --fast) fast=1 ;;
        --work) work=$2; shift ;;
        linux | wine) parts+=("$1") ;;
        *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
[ ${#parts[@]} -gt 0 ] || parts=(linux wine)
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)

for part in "${parts[@]}"; do
    bash "$here/try/$part.sh" "$work" "$fast"
done
