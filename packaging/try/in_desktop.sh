#!/bin/sh
# The installed package as a desktop starts it, on a display of its own; pictures go to /pictures.
set -eu
export DISPLAY=:7
Xvfb :7 -noreset -screen 0 1366x800x24 >/dev/null 2>&1 &
display=$!
trap 'kill "$display"' EXIT
while [ ! -e /tmp/.X11-unix/X7 ]; do sleep 0.1; done
cd "$HOME"
grab() { /opt/maskwright/python/python3 -B /try/grab.py "/pictures/$1.png"; }
window() { xdotool search --onlyvisible --name "$1" 2>/dev/null | head -n 1; }
wait_for() { # wait_for SECONDS COMMAND...
    left=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || { echo "waited in vain for: $*"; grab in-vain; exit 1; }
        sleep 0.2
    done
}
shows() { [ -n "$(window "$1")" ]; }
gone() { ! kill -0 "$process" 2>/dev/null || grep -q "^State:.Z" "/proc/$process/status"; }
close() { # as the system does at the end of a session
    process=$(xdotool getwindowpid "$(window Maskwright)")
    kill -TERM "$process" # asks, if a job runs; what keeps asking is ended by the second
    sleep 3
    gone || kill -TERM "$process"
    wait_for 120 gone
}

maskwright doctor

echo "the desktop entry"
gio launch /usr/share/applications/maskwright.desktop >/dev/null 2>&1 &
wait_for 120 shows Maskwright
wait_for 60 grab start
echo "the demo, by its button"
for y in 425 440 455 470; do # Try the demo, the lowest of three buttons, wherever texts put it
    shows '^Demo$' || xdotool mousemove 444 "$y" click 1
    sleep 1
done
trains() { grep -rqs '"event": "Progress"' "$HOME" --include=events.jsonl; }
wait_for 400 trains
wait_for 60 grab trains
close

echo "a short one to its end"
maskwright demo --out "$HOME/示例 1" --images 24 --epochs "$MASKWRIGHT_TRY_EPOCHS" &
trained() { grep -rqs '"event": "Done"' "$HOME/示例 1/project/runs"; }
wait_for 120 shows Maskwright
wait_for 400 trained
sleep 2
wait_for 60 grab trained
close

echo "a project's file, by its type"
kind=$(gio info -a standard::content-type "$HOME/示例 1/project/project.db" | sed -n 's/.*content-type: //p')
test "$kind" = application/x-maskwright-project || { echo "project.db is taken for $kind"; exit 1; }
gio mime application/x-maskwright-project | grep -q maskwright.desktop
gio open "$HOME/示例 1/project/project.db"
wait_for 120 shows "Surface inspection demo"
sleep 3
wait_for 60 grab project
close
