#!/bin/sh
# tidy.sh - the part of the house style (CONTRIBUTING.md) that a program can judge.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "tidy: $*" >&2; bad=1; }
sources=$(find common services tests -name '*.[ch]' | sort)
headers=$(find common services tests -name '*.h' | sort)

# Sizes: a function fits a screen, a file fits a head.
for f in $(ctags -x --_xformat='%{input}:%{line}:%{name}:%{end}' --kinds-C=f $sources |
	awk -F: '$4 - $2 + 1 > 70 {print $1 ":" $2 ":" $3 "=" $4 - $2 + 1}'); do
	say "$f lines, at most 70"
done
wc -l $sources | awk '$2 != "total" && $1 > 600 {print "tidy: " $2 " has " $1 " lines, at most 600"}' |
	grep . >&2 && bad=1

# Layers, each may include only what is left of it; adapters and services never each other:
# base < metrics < proto < fsm < model < pbjson < {rpc, store, docker, http} < service < services.
layer() { # layer DIR FORBIDDEN-REGEX
	grep -nE "#include \"(common/($2)/|services/)" common/"$1"/*.[ch] 2>/dev/null && say "common/$1 includes upwards or sideways"
}
layer base 'metrics|fsm|model|pbjson|rpc|store|docker|http|service'
layer metrics 'fsm|model|pbjson|rpc|store|docker|http|service'
layer fsm 'model|pbjson|rpc|store|docker|http|service'
layer model 'pbjson|rpc|store|docker|http|service'
layer pbjson 'rpc|store|docker|http|service'
layer rpc 'store|docker|http|service'
layer store 'rpc|docker|http|service'
layer docker 'rpc|store|http|service'
layer http 'rpc|store|docker|service'
grep -n 'pb-c\.h' common/base/* && say "base knows nothing of the domain"
for s in services/*/; do
	s=$(basename "$s")
	grep -rn '#include "services/' "services/$s" | grep -v "#include \"services/$s/" && say "$s includes another service"
done

# Words that may not appear.
grep -nE '\<(strcpy|strcat|sprintf|gets|atoi|atol|system|usleep|sleep)[[:space:]]*\(' $sources && say "a banned call"
grep -nwE 'NDEBUG|FIXME|XXX' $sources && say "a banned word"
grep -rnE '\<(exit|abort)[[:space:]]*\(' services common --include=*.c | grep -vE '/main\.c:|common/base/' && say "only main.c may exit"

# Every event of the log is in docs/EVENTS.md, once, and nothing else is.
events=$(mktemp) && listed=$(mktemp)
grep -rhoE 'log_(error|warn|info|debug)\("[a-z_.]+"' services common --include=*.c | sed 's/.*"\(.*\)"/\1/' | sort -u > "$events"
sed -n 's/^| `\([a-z_.]*\)` |.*/\1/p' docs/EVENTS.md | sort > "$listed"
diff "$events" "$listed" && : || say "docs/EVENTS.md and the events of the log differ (<: in the code, >: in the page)"
rm -f "$events" "$listed"

# Headers open with their purpose and compile once.
for h in $headers; do
	head -2 "$h" | grep -q "^ \* $(basename "$h") - " || say "$h does not open with its purpose"
	grep -q '^#pragma once' "$h" || say "$h lacks #pragma once"
done

# Every module has its test: test_<module>.c or test_<folder>_….c; for the part x_y.c that of x serves.
has_test() { # has_test NAME
	find tests/unit tests/sim -name "test_$1.c" -o -name "test_$1_*.c" 2>/dev/null | grep -q .
}
for c in common/*/*.c services/*/*.c; do
	[ -e "$c" ] || continue
	m=$(basename "$c" .c)
	case $m in main|log) continue ;; esac
	has_test "$(basename "$(dirname "$c")")" && continue
	until has_test "$m"; do
		case $m in
		*_*) m=${m%_*} ;;
		*) say "$c has no tests/unit/test_$m.c"; break ;;
		esac
	done
done

# Versions of clang-format differ in what they make of the same file: the tree is as this one leaves it.
format=14
have=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [ "$have" = $format ]; then
	clang-format --dry-run -Werror $sources 2>&1 | grep -m 3 'error:' && say "run: make fmt"
else
	echo "tidy: the format was not judged: that needs clang-format $format, here is ${have:-none}"
fi
exit $bad
