#!/bin/bash
# plot.sh TSV PNG TITLE - what a profile did over time: tasks by stage, cores, memory.
set -euo pipefail
[ -e "$1" ] || exit 0
command -v gnuplot >/dev/null || { echo "no plot: gnuplot is not here"; exit 0; }
gnuplot <<END
set terminal pngcairo size 1100,900 font "sans,10"
set output "$2"
set datafile separator "\t"
set multiplot layout 3,1 title "$3"
set key outside right
set grid
set xlabel ""
set ylabel "tasks so far"
set format y "%.0s %c"
plot for [i=2:6] "$1" using 1:i with lines linewidth 2 title columnheader(i)
set ylabel "cores"
set format y "%g"
set yrange [0:2]
last = 0
before = 0
plot for [i=0:3] "$1" using (t = \$1, d = t - (\$0 > 0 ? last : t), last = t, c = column(12 + 2 * i), e = c - before, before = c, d > 0 ? t : NaN):(d > 0 ? e / d : NaN) \
	with lines title word("manager scheduler crowd driver", i + 1)
set yrange [0:*]
set xlabel "seconds"
set ylabel "MiB"
plot for [i in "13 15 17"] "$1" using 1:(column(int(i))) with lines linewidth 2 title columnheader(int(i)), \
	"$1" using 1:20 with lines linewidth 2 title "store on disk"
END
