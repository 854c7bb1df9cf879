#!/bin/sh
# measure.sh LORABENCH FOLDER [PICTURE]: what docs/performance.md has tables of, a document each.
# It takes an hour on two quiet cores. A model that the memory does not hold is left out.
set -u
bench="$1 bench"
out=$2
picture=${3:-docs/growth.svg}
mkdir -p "$out"

# measure NAME FLAGS…
measure() {
	name=$1
	shift
	echo "== $name: lorabench bench $*" >&2
	if ! $bench "$@" --json --no-progress >"$out/$name.tmp"; then
		rm -f "$out/$name.tmp"
		echo "== $name was not measured" >&2
		return
	fi
	mv "$out/$name.tmp" "$out/$name.json"
}

for storage in bf16 q8 q4; do
	measure "1-smollm2-$storage" --shape smollm2-135m --storage $storage
done
for storage in bf16 q8 q4; do
	measure "2-tinyllama-$storage" --shape tinyllama-1.1b --storage $storage --quick --batch 1,8,32 --prompt 512 --budget 12m
done
measure 3-llama-8b-q4 --shape llama-3.1-8b --storage q4 --quick --only prefill,decode --adapters 0,4 --budget 6m
measure 4-growth --growth --shape smollm2-135m --storage q8 --svg "$picture"
