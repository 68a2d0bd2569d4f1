#!/bin/sh
# count.sh - the closing line: counts the TAP results in the files it is given.
set -u
passed=$(cat "$@" /dev/null | grep -c '^ok ')
# cmocka writes a skipped test as "not ok 2 # SKIP name".
failed=$(cat "$@" /dev/null | grep '^not ok ' | grep -vc '^not ok [0-9]* # SKIP')
skipped=$(cat "$@" /dev/null | grep -c '^not ok [0-9]* # SKIP')
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
