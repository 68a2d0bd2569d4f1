#!/bin/bash
# plot_scheduler.sh FIGURES PNG - what "bench_scheduler plot" printed: cost by nodes and tasks.
set -euo pipefail
command -v gnuplot >/dev/null || { echo "no plot: gnuplot is not here"; exit 0; }
gnuplot <<END
set terminal pngcairo size 1000,420 font "sans,10"
set output "$2"
set multiplot layout 1,2
set logscale xy
set xlabel "nodes"
set ylabel "µs of one core a task"
set yrange [0.3:30]
set format x "10^{%T}"
set key top left
set grid ytics
set title "sizes only"
plot for [i=0:3] "$1" index i using 1:3 with linespoints linewidth 2 title sprintf("10^{%d} tasks", i + 2)
set title "spread, and hard and soft anti-affinity"
plot for [i=0:3] "$1" index i using 1:4 with linespoints linewidth 2 title sprintf("10^{%d} tasks", i + 2)
END
