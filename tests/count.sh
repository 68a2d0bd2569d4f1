#!/bin/sh
# count.sh - the closing line: counts the TAP results in the files it is given.
set -u
passed=$(cat "$@" /dev/null | grep -c '^ok ')
failed=$(cat "$@" /dev/null | grep -c '^not ok ')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
