#!/bin/bash
# plot_flat.sh TSV PNG TITLE - what a task costs by how many there are at one time: each round a
# point, the steady figure (round 0) a line, and the band the dearest has to stay in.
set -euo pipefail
[ -e "$1" ] || exit 0
command -v gnuplot >/dev/null || { echo "no plot: gnuplot is not here"; exit 0; }
gnuplot <<END
set terminal pngcairo size 1000,560 font "sans,10"
set output "$2"
set datafile separator "\t"
set title "$3: processor time of a task"
set key outside right
set grid
set logscale x
set format x "10^{%T}"
set xlabel "tasks submitted at one time"
set ylabel "µs a task"
stats "$1" using (\$1 == 0 ? \$7 : NaN) name "all" nooutput
stats "$1" using 7 name "any" nooutput
stats "$1" using 2 name "tasks" nooutput
set xrange [tasks_min / 1.5:tasks_max * 1.5]
top = any_max > all_min * 1.3 ? any_max : all_min * 1.3
set yrange [0:top * 1.05]
set object rectangle from graph 0, first all_min to graph 1, first all_min * 1.3 \
	fillcolor rgb "#d8ecd8" fillstyle solid noborder behind
colours = "#000000 #c03020 #d09000 #2060c0"
columns = "7 3 4 5"
names = "'all parts' manager scheduler 'workers with engines'"
plot for [i=1:4] "$1" using (\$1 > 0 ? \$2 : NaN):int(word(columns, i)) with points pointtype 7 pointsize 0.6 \
		linecolor rgb "#b0" . word(colours, i)[2:] notitle, \
	for [i=1:4] "$1" using (\$1 == 0 ? \$2 : NaN):int(word(columns, i)) with linespoints pointtype 7 linewidth 2 \
		linecolor rgb word(colours, i) title word(names, i), \
	NaN with boxes fillcolor rgb "#d8ecd8" fillstyle solid noborder title "cheapest to 1.3 times that"
END
