#!/bin/sh
# in_tree.sh INSTALLATION: the command line and a window of an unpacked tree; ends at the first fault.
set -eu
root=$1
here=$(cd "$(dirname "$0")" && pwd)
epochs=${MASKWRIGHT_TRY_EPOCHS:-2}
cd "$HOME"
python="$root/python/python3"

"$root/maskwright" --version
"$root/maskwright" doctor
MASKWRIGHT_INSTALLATION=$root QT_QPA_PLATFORM=offscreen "$python" -B "$here/imports.py"
"$root/maskwright" demo --headless --out "$HOME/示例 1" --images 24 --epochs "$epochs"
model=$(find "$HOME/示例 1" -name best_model -type d | head -n 1)
for format in onnx openvino; do
    "$root/maskwright" export --model-dir "$model" --out "$HOME/导出 $format" --format "$format"
    "$root/maskwright" verify --export "$HOME/导出 $format" --model-dir "$model" --data "$HOME/示例 1/data"
done
"$python" -B "$here/window_start.py" "$root/maskwright"
test ! -e "$HOME/intel" || { echo "OpenVINO keeps a number to report under: ~/intel"; exit 1; }
# Nothing was written into the installation, not even byte code.
find "$root" -newer "$root/installation.json" -not -path "$root" | head -n 3 >"$HOME/written"
test ! -s "$HOME/written" || { echo "written into the installation:"; cat "$HOME/written"; exit 1; }
