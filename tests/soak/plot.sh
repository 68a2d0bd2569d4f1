#!/bin/bash
# plot.sh FIGURES PNG - what soak.sh measured, as lines over the lives of tasks. 1: no gnuplot here.
set -euo pipefail
command -v gnuplot >/dev/null || exit 1
columns=$(head -n 1 "$1" | wc -w)
gnuplot <<END
set terminal pngcairo size 1100,640 font "sans,11"
set output "$2"
set title "$(tail -n 1 "$1" | cut -d ' ' -f 1) short lives of tasks: memory of each process, and the database with its log"
set xlabel "tasks that have ended"
set ylabel "MiB"
set yrange [0:*]
set format x "%.0f"
set key outside right top
set grid ytics
plot for [i=3:$columns] "$1" using 1:(column(i)/1024) with lines linewidth 2 title columnheader(i)
END
