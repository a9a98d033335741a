#!/bin/sh
# Makes examples/shelf from nothing, all of it or the parts that are named. The training takes half an hour on two cores.
#   scripts/sample.sh [model] [pictures]
set -eu
cd "$(dirname "$0")/.."
edgekit=.venv/bin/edgekit
work=build/shelf
shelf=examples/shelf
bank=77 # packs that the training has not seen

# What is trained: the graph, the checkpoint to go on from, and its figures.
model() {
    $edgekit dataset shelf $work/train --count 6000 --sprites 1
    $edgekit train ssd --data $work/train -o $work/model --maps 8,16,32 --anchors 10 --batch 16 \
        --steps 12000 --quantised-steps 1200 --smallest-crop 0.85 --max-detections 250 --evaluate 1000
    for file in tflite_graph.pb checkpoint.npz metrics.json; do
        cp $work/model/$file $shelf
    done
}

# What it is shown: pictures with their truth, a film, and a page to print.
pictures() {
    $edgekit dataset shelf $work/test --count 20 --seed 4480 --sprites $bank
    rm -rf $shelf/pictures
    cp -R $work/test/images $shelf/pictures
    cp $work/test/labels.txt $work/test/groups.toml $shelf
    cp $work/test/annotations.json $shelf/truth.json
    $edgekit dataset clip $shelf/clip.webm --sprites $bank
    $edgekit dataset sheet $shelf/sheet.pdf --sprites $bank
}

mkdir -p $shelf
for part in ${*:-model pictures}; do
    $part
done
