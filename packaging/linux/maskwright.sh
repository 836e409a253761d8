#!/bin/sh
# Starts Maskwright: the window without arguments, the command line with them.
program=$(readlink -f -- "$0") || exit 1
MASKWRIGHT_INSTALLATION=${program%/*}
export MASKWRIGHT_INSTALLATION
# What is set for another Python must not reach this one, nor what it starts.
for name in $(env | sed -n 's/^\(PYTHON[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done
exec "$MASKWRIGHT_INSTALLATION/python/python3" -B "$MASKWRIGHT_INSTALLATION/program/main.py" "$@"
