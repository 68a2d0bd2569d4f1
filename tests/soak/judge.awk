# judge.awk - reads what soak wrote: a line of names, then lives, seconds, and KiB of each thing.
#
# Nothing may grow once the first tenth is over: the median of no later tenth may be above that of the
# second by more than so many percent (-v percent=5) and a slack for the holes in a heap, 1 MiB, or for the database 2 MiB, since
# its log is emptied when it has about 1 MiB. A leak of 100 bytes a life is ten times as much.
function median(column, tenth,    n, i, j, swap, values) {
	n = 0
	for (i = 1; i <= rows; i++)
		if (lives[i] > total * (tenth - 1) / 10 && lives[i] <= total * tenth / 10)
			values[++n] = kib[i, column]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
			swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap
		}
	return n ? values[int((n + 1) / 2)] : 0
}
NR == 1 { for (i = 3; i <= NF; i++) name[i] = $i; columns = NF; next }
{ rows++; lives[rows] = total = $1; seconds = $2; for (i = 3; i <= NF; i++) kib[rows, i] = $i }
END {
	# Between two looks as many lives may end as are under way: at most a fortieth of them.
	if (rows < 30) { print "only " rows + 0 " samples"; exit 1 }
	printf "%d lives in %.0f s, %.0f a second; KiB, median of the tenths of the run:\n",
		total, seconds, total / seconds
	for (c = 3; c <= columns; c++) {
		early = median(c, 2)
		most = 0
		line = sprintf("  %-10s", name[c])
		for (tenth = 1; tenth <= 10; tenth++) {
			value = median(c, tenth)
			if (tenth > 2 && value > most) most = value
			line = line sprintf(" %7d", value)
		}
		print line
		slack = name[c] == "database" ? 2048 : 1024
		if (most > early * (1 + percent / 100) + slack) {
			print name[c] " grows: " early " KiB in the second tenth, " most " in a later one"
			bad = 1
		}
	}
	exit bad
}
