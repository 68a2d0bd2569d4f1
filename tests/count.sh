#!/bin/sh
# count.sh - the closing line: counts the TAP results in the files it is given.
set -u
# cmocka writes a skipped test as "not ok 2 # SKIP name", bats as "ok 2 name # skip why".
skipped=$(cat "$@" /dev/null | grep -cE '^not ok [0-9]* # SKIP|^ok .* # skip')
passed=$(cat "$@" /dev/null | grep '^ok ' | grep -vc ' # skip')
failed=$(cat "$@" /dev/null | grep '^not ok ' | grep -vc '^not ok [0-9]* # SKIP')
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
