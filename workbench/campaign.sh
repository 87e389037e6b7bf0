#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# campaign.sh [SEEDS [FROM]]: runs pci_torture, random operations on random
# fabrics, for SEEDS seeds from FROM on, and sums up what went wrong by kind.
# campaign.sh replay SEED: one of them, with its plan and all that happened.
# campaign.sh shrink SEED: leaves out of its plan what its failure does not need.
#
# KERNEL=uml|uml-preempt|uml-debug, uml if not set.

. "$(dirname "$0")/lib.sh"

kernel=${KERNEL:-uml}
case $kernel in
uml | uml-preempt | uml-debug) ;;
*) die "KERNEL=$kernel is none of uml, uml-preempt and uml-debug" ;;
esac
obj=$build/$kernel logs=$build/campaign/$kernel
# Seeds in one boot, and seconds of real time that it may say nothing
chunk=${CHUNK:-250} silence=60

# UML takes its name in ~/.uml, see kunit-boot.sh
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
trap 'trap - INT; kill -INT 0' INT

number() { [[ $2 =~ ^[0-9]{1,18}$ ]] || die "$1=$2 is not a number"; }

# The kernel fails if it panics. One that says nothing for long is in a loop, in
# which virtual time does not pass.
boot() # LOG FROM SEEDS [PARAMETER...]
{
	local log=$1 pid size was=-1 silent=0

	"$obj/linux" mem=1G console=tty kunit_shutdown=halt umid="c$2" time-travel=inf-cpu \
		kunit.enable=1 kunit.filter_glob=pci_torture.torture_seeds \
		"pci_torture_kunit.from=$2" "pci_torture_kunit.seeds=$3" "${@:4}" \
		</dev/null >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.05
		size=$(stat -c %s "$log")
		silent=$((size == was ? silent + 1 : 0)) was=$size
		((silent < 20 * silence)) || { echo "campaign: hangs" >>"$log"; kill -KILL "$pid"; }
	done
	wait "$pid" || true
} 2>/dev/null # what the shell says of boots that are aborted or killed

# A line for each seed in the log of a boot: "SEED ok", or "SEED KIND", where
# the kind is the first complaint without its numbers.
results() # LOG FROM SEEDS
{
	awk -v seed="$2" -v last="$(($2 + $3 - 1))" '
	function kind(text,    id) {
		sub(/^\[ *[0-9.]*\] */, "", text)
		sub(/\r$/, "", text)
		# The Device ID says what kind of device it is, so it stays
		if (match(text, /^[0-9a-f]+:[0-9a-f]+,/)) {
			id = substr(text, RSTART, RLENGTH)
			text = substr(text, 1, RSTART - 1) "@" substr(text, RSTART + RLENGTH)
		}
		gsub(/0x[0-9a-f]+/, "N", text)
		gsub(/[0-9]+/, "N", text)
		sub(/@/, id, text)
		return text
	}
	expected { why = why ? why : kind($0); expected = 0 }
	/(EXPECTATION|ASSERTION) FAILED at / { expected = 1 }
	/(WARNING|BUG|INFO|Oops|KASAN|UBSAN): |Kernel panic|corruption|nobody cared|try timed out|campaign: hangs/ {
		why = why ? why : kind($0)
	}
	/ (not )?ok [0-9]+ seed [0-9]+\r?$/ {
		print seed++, why ? why : / not ok / ? "fails" : "ok"
		why = ""
	}
	END { if (seed <= last) print seed, why ? why : "ends" }' "$1"
}

# The seeds of a chunk, in as many boots as it needs: after a crash, one more
# from the next seed on
run_chunk() # FROM SEEDS
{
	local from=$1 end=$(($1 + $2)) log=$logs/$1.log

	: >"$log.results"
	while ((from < end)); do
		boot "$log" "$from" "$((end - from))"
		results "$log" "$from" "$((end - from))" >>"$log.results"
		from=$(($(tail -n 1 "$log.results" | cut -d ' ' -f 1) + 1))
	done
	rm "$log"
}

progress() # SEEDS
{
	local n bad took=$((SECONDS - began))

	n=$(cat "$logs"/*.results 2>/dev/null | wc -l)
	bad=$(cat "$logs"/*.results 2>/dev/null | grep -cv ' ok$' || true)
	say "    $n of $1 seeds, $((n / (took ? took : 1))) a second, $bad failed"
}

findings()
{
	local kind seeds

	cat "$logs"/*.results | grep -v ' ok$' | sort -n |
		awk '{ seed = $1; sub(/^[^ ]* /, ""); n[$0]++; if (n[$0] <= 8) seeds[$0] = seeds[$0] " " seed }
			END { for (k in n) printf "%d\t%s\t%s\n", n[k], k, seeds[k] }' | sort -rn |
		while IFS=$'\t' read -r n kind seeds; do
			say "$n times: $kind"
			say "    seeds$seeds$( ((n <= 8)) || echo ' ...')"
			read -r seed _ <<<"$seeds"
			say "    $( [[ $kernel == uml ]] || echo "KERNEL=$kernel ")workbench/campaign.sh replay $seed"
		done
}

campaign() # SEEDS FROM
{
	local seeds=$1 from=$2 end=$(($1 + $2)) n shown=0 bad

	rm -rf "$logs"
	mkdir -p "$logs"
	say "campaign: seeds $from to $((end - 1)) in the kernel $kernel"
	began=$SECONDS
	while ((from < end)); do
		n=$((end - from < chunk ? end - from : chunk))
		run_chunk "$from" "$n" &
		from=$((from + n))
		(($(jobs -rp | wc -l) < J)) || wait -n
		if ((SECONDS - began >= shown + 20)); then
			shown=$((SECONDS - began))
			progress "$seeds"
		fi
	done
	wait
	progress "$seeds"
	findings | tee "$logs/findings"
	bad=$(cat "$logs"/*.results | grep -cv ' ok$' || true)
	passed=$((seeds - bad)) failed=$bad
}

# The result of a seed, without parts of its plan
result() # LOG SEED [PARAMETER...]
{
	boot "$1" "$2" 1 "${@:3}"
	results "$1" "$2" 1 | cut -d ' ' -f 2-
}

replay() # SEED [PARAMETER...]
{
	local log=$logs/replay.log what

	mkdir -p "$logs"
	what=$(result "$log" "$@")
	sed -e '1,/# Subtest: torture_seeds/d' -e 's/# torture_seeds: //' -e 's/\r$//' "$log"
	say "seed $1: $what"
}

# Which of N parts a seed does not need to fail in the same way: as large ranges
# as possible, then smaller ones
drop() # NAME N SEED KIND
{
	local n=$2 seed=$3 kind=$4 size i try
	local -n dropped=$1

	for ((size = (n + 1) / 2; size; size = size > 1 ? (size + 1) / 2 : 0)); do
		for ((i = n - size; i > -size; i -= size)); do
			try=$(ranges "$n" "$dropped" "$((i > 0 ? i : 0))-$((i + size - 1))")
			if [[ $try != "$dropped" && $(with "$seed" "$1" "$try") == "$kind" ]]; then
				dropped=$try
			fi
		done
	done
}

# Several lists of ranges of numbers below N as one, "0-3,7"
ranges() # N LIST...
{
	local n=$1 range i from='' list=''
	local -A set=()

	shift
	for range in $(tr , " " <<<"$*"); do
		for ((i = ${range%-*}; i <= ${range#*-}; i++)); do set[$i]=1; done
	done
	for ((i = 0; i <= n; i++)); do
		if [[ ${set[$i]:-} && $i -lt $n ]]; then
			from=${from:-$i}
		elif [[ $from ]]; then
			list+=,$from
			((i - 1 == from)) || list+=-$((i - 1))
			from=''
		fi
	done
	echo "${list#,}"
}

with() # SEED NAME VALUE: what comes of a seed with one of the three changed
{
	local -A p=([steps]=$steps [nodes]=$nodes [threads]=$threads)

	p[$2]=$3
	result "$logs/shrink.log" "$1" "pci_torture_kunit.drop_steps=${p[steps]}" \
		"pci_torture_kunit.drop_nodes=${p[nodes]}" "pci_torture_kunit.threads=${p[threads]}"
}

shrink() # SEED
{
	local seed=$1 kind nr_steps nr_nodes was='' n
	steps='' nodes='' threads=4

	mkdir -p "$logs"
	kind=$(with "$seed" threads 4)
	[[ $kind != ok ]] || die "seed $seed does not fail in the kernel $kernel"
	nr_steps=$(sed -n 's/.*\.nr_steps = \([0-9]*\).*/\1/p' "$logs/shrink.log" | head -n 1)
	nr_nodes=$(sed -n 's/.*\.nr_nodes = \([0-9]*\).*/\1/p' "$logs/shrink.log" | head -n 1)
	while [[ $was != "$steps $nodes $threads" ]]; do
		was="$steps $nodes $threads"
		drop steps "$nr_steps" "$seed" "$kind"
		drop nodes "$nr_nodes" "$seed" "$kind"
		for ((n = 1; n < threads; n++)); do
			[[ $(with "$seed" threads $n) != "$kind" ]] || threads=$n
		done
	done
	say "seed $seed: $(with "$seed" threads "$threads")"
	sed -n -e 's/\r$//' -e 's/.*# torture_seeds: \(\t\)/\1/p' "$logs/shrink.log"
	say "replay with: workbench/campaign.sh replay $seed pci_torture_kunit.drop_steps=$steps \\"
	say "	pci_torture_kunit.drop_nodes=$nodes pci_torture_kunit.threads=$threads"
}

case ${1:-} in
replay | shrink)
	number SEED "${2:-}"
	[[ ${BUILT:-} ]] || "$here/kernel.sh" "$kernel" >&2
	"$@"
	;;
*)
	number SEEDS "${1:-1000}"
	number FROM "${2:-1}"
	"$here/deps.sh" build
	[[ ${BUILT:-} ]] || "$here/kernel.sh" "$kernel"
	campaign "${1:-1000}" "${2:-1}"
	finish
	;;
esac
