#!/bin/sh
# after_upgrade.sh VERSION: the later package is there, and the projects of the earlier one open.
set -eu
cd "$HOME"
grep -q "\"version\": \"$1\"" /opt/maskwright/installation.json
maskwright doctor >/dev/null
model=$(find "$HOME/示例 1" -name best_model -type d | head -n 1)
maskwright evaluate --model-dir "$model" --data "$HOME/示例 1/project"
